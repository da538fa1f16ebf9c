"""Rejected products into the archive: once each, whatever happens on the way, and out again when they are erased."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.db.models import ArchiveParcel, Audit, Outbox, Prediction
from core.db.repositories import archive as repository
from core.domain.review import REJECT
from core.domain.taxonomy import Taxonomy
from preprocessing.archive.delivery import Delivered, Delivery
from preprocessing.archive.drive import DriveArchive
from preprocessing.archive.folder import FolderArchive
from preprocessing.archive.parcel import Archive, ArchiveUnavailable
from preprocessing.images import ImageFolder
from tests.integration.ingest import desk
from tests.integration.ingest.shop import ROOT, Shop, photo
from tests.toys.drive import FakeDrive, Fault

Connect = Callable[..., DriveArchive]
FAILPOINTS = ("archive.claimed", "archive.stored", "file.created", "file.written", "file.renamed", "file.durable")


def reject(shop: Shop, title: str, image: bytes | None = None) -> str:
    """A product that a reviewer rejected; its id."""
    return shop.validated(title, code=40, suggested=10, image=image, move=REJECT)


def deliver(shop: Shop, *archives: Archive) -> Delivered:
    places = {archive.place: archive for archive in archives or (FolderArchive(shop.store.archive),)}
    taxonomy = Taxonomy.from_csv(shop.store.root / "taxonomy.csv")
    return Delivery(shop.sessions, ImageFolder(shop.store.images), taxonomy, places, list(places)[-1]).run()


def lying(shop: Shop) -> dict[str, bytes]:
    """Every file in the local archive."""
    root = shop.store.archive
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def titles(files: dict[str, bytes]) -> list[str]:
    """What the products in the archive are called."""
    return sorted(json.loads(data)["designation"] for path, data in files.items() if path.endswith("product.json"))


def statuses(shop: Shop) -> list[str]:
    with shop.sessions() as session:
        return sorted(session.scalars(session.query(Prediction.status).statement))


def test_a_rejected_product_lies_there_with_text_photo_suggestion_and_reason(shop: Shop) -> None:
    prediction_id = reject(shop, "Étui « rouge »", photo(900))
    assert deliver(shop) == Delivered(archived=1, removed=0, failed=0)
    files = lying(shop)
    (path,) = [path for path in files if path.endswith("product.json")]
    day, name, _ = path.split("/")
    product = json.loads(files[path])
    assert (name, product["prediction_id"], product["designation"]) == (
        f"{prediction_id}-v2",
        prediction_id,
        "Étui « rouge »",
    )
    assert product["suggestion"]["prdtypecode"] == 10
    assert product["suggestion"]["label"] == "Label 10"
    assert product["current"]["prdtypecode"] == 40
    assert product["rejected"]["at"].startswith(day)
    assert files[f"{day}/{name}/photo.jpg"] == ImageFolder(shop.store.images).get(
        desk.prediction(shop, prediction_id).image_sha256 or ""
    )
    assert statuses(shop) == ["archived"]
    assert shop.check() == []


def test_a_second_run_finds_nothing_to_do(shop: Shop) -> None:
    reject(shop, "a")
    deliver(shop)
    before = lying(shop)
    assert deliver(shop) == Delivered(0, 0, 0)
    assert lying(shop) == before


def test_ten_faults_of_the_drive_leave_each_product_there_once(shop: Shop, connect: Connect, drive: FakeDrive) -> None:
    for number in range(4):
        reject(shop, f"product {number}", photo(910 + number))
    transient = [fault for fault in Fault if fault is not Fault.FORBIDDEN]
    drive.drive.faults = {2 + 3 * at: transient[at % len(transient)] for at in range(10)}
    deliver(shop, connect())
    assert len(drive.drive.struck) == 10
    assert titles(drive.drive.tree()) == [f"product {number}" for number in range(4)]
    assert len(drive.drive.tree()) == 8
    assert statuses(shop) == ["archived"] * 4
    assert shop.check() == []


def test_a_drive_that_refuses_for_good_ends_the_run_and_the_next_one_goes_on(
    shop: Shop, connect: Connect, drive: FakeDrive
) -> None:
    for number in range(3):
        reject(shop, f"product {number}")
    drive.drive.faults = {9: Fault.FORBIDDEN}
    with pytest.raises(ArchiveUnavailable):
        deliver(shop, connect())
    assert "rejected" in statuses(shop)
    deliver(shop, connect())
    assert titles(drive.drive.tree()) == ["product 0", "product 1", "product 2"]
    assert statuses(shop) == ["archived"] * 3


def run(shop: Shop, failpoint: str = "") -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, on the local folder."""
    environment = {
        **os.environ,
        "DB_URL": shop.url,
        "STORE_ROOT": str(shop.store.root),
        "ETALON_FAILPOINT": failpoint,
    }
    command = [sys.executable, "-m", "preprocessing.archive", "run"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("point", FAILPOINTS)
def test_a_run_killed_anywhere_is_finished_by_the_next(shop: Shop, point: str) -> None:
    for number in range(2):
        reject(shop, f"product {number}", photo(920 + number))
    assert run(shop, f"{point}:2:kill").returncode == -signal.SIGKILL
    done = run(shop)
    assert done.returncode == 0, done.stderr
    assert titles(lying(shop)) == ["product 0", "product 1"]
    assert not [path for path in lying(shop) if not path.endswith(("product.json", "photo.jpg", ".aside"))]
    assert statuses(shop) == ["archived"] * 2
    assert shop.check() == []
    assert run(shop).returncode == 99


def test_two_runs_at_once_archive_each_product_once(shop: Shop, connect: Connect, drive: FakeDrive) -> None:
    for number in range(6):
        reject(shop, f"product {number}")
    clients = [connect(), connect()]
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda client: deliver(shop, client), clients))
    assert sum(one.archived for one in done) == 6
    assert titles(drive.drive.tree()) == [f"product {number}" for number in range(6)]
    with shop.sessions() as session:
        assert session.query(Audit).filter(Audit.action == "archive").count() == 6


def test_a_rejection_that_was_undone_is_not_archived(shop: Shop) -> None:
    prediction_id = reject(shop, "a")
    desk.undo(shop, prediction_id)
    assert deliver(shop) == Delivered(0, 0, 0)
    assert lying(shop) == {}


def test_a_rejection_that_is_undone_while_it_is_claimed_is_let_go(shop: Shop) -> None:
    prediction_id = reject(shop, "a")
    with shop.sessions() as session:
        (rejection,) = repository.waiting(session, 10)
    desk.undo(shop, prediction_id)
    with pytest.raises(repository.TakenMeanwhile), shop.sessions.begin() as session:
        repository.claim(session, rejection, place="folder", day="2026-11-21", ids={})
    with shop.sessions() as session:
        assert session.query(ArchiveParcel).count() == 0


def test_what_was_undone_and_rejected_again_lies_there_under_the_second_rejection(shop: Shop) -> None:
    prediction_id = reject(shop, "a")
    desk.undo(shop, prediction_id)
    desk.reject(shop, prediction_id, "blurred")
    deliver(shop)
    (product,) = [json.loads(data) for data in lying(shop).values()]
    assert (product["version"], product["rejected"]["reason"]) == (4, "blurred")


def test_an_erased_product_leaves_the_archive_with_the_next_run(shop: Shop, connect: Connect, drive: FakeDrive) -> None:
    prediction_id = reject(shop, "a secret", photo(930))
    reject(shop, "another")
    deliver(shop, connect())
    desk.erase(shop, prediction_id)
    drive.drive.faults = {len(drive.drive.requests) + 1: Fault.ANSWER_LOST}
    assert deliver(shop, connect()) == Delivered(archived=0, removed=1, failed=0)
    assert titles(drive.drive.tree()) == ["another"]
    assert deliver(shop, connect()) == Delivered(0, 0, 0)
    assert shop.check() == []


def test_a_product_whose_photo_is_gone_is_named_and_keeps_nobody_else_waiting(shop: Shop) -> None:
    lost = reject(shop, "lost", photo(940))
    reject(shop, "whole", photo(941))
    ImageFolder(shop.store.images).path(desk.prediction(shop, lost).image_sha256 or "").unlink()
    done = run(shop)
    assert done.returncode == 1
    assert lost in done.stderr
    assert titles(lying(shop)) == ["whole"]


def test_what_was_claimed_for_the_folder_goes_there_when_a_drive_comes(
    shop: Shop, connect: Connect, drive: FakeDrive
) -> None:
    reject(shop, "before")
    assert run(shop, "archive.claimed:1:kill").returncode == -signal.SIGKILL
    reject(shop, "after")
    deliver(shop, FolderArchive(shop.store.archive), connect())
    assert titles(lying(shop)) == ["before"]
    assert titles(drive.drive.tree()) == ["after"]


def test_a_drive_that_is_configured_no_more_is_missed(shop: Shop, connect: Connect, drive: FakeDrive) -> None:
    reject(shop, "a")
    drive.drive.faults = {2: Fault.FORBIDDEN}
    with pytest.raises(ArchiveUnavailable):
        deliver(shop, connect())
    with pytest.raises(ArchiveUnavailable, match="DRIVE_CREDENTIALS"):
        deliver(shop)


def test_archive_work_that_nobody_does_is_found(shop: Shop) -> None:
    reject(shop, "a")
    with shop.sessions.begin() as session:
        (work,) = session.query(Outbox).all()
        work.created_at = work.created_at.replace(year=work.created_at.year - 1)
    (violation,) = shop.check()
    assert violation.invariant == "I7"


@pytest.fixture
def fetched(shop: Shop, tmp_path: Path) -> Path:
    """The archive of two products, written as a catalogue."""
    reject(shop, "with a photo", photo(950))
    reject(shop, "NA")
    deliver(shop)
    out = tmp_path / "extra"
    environment = {**os.environ, "DB_URL": shop.url, "STORE_ROOT": str(shop.store.root)}
    command = [sys.executable, "-m", "preprocessing.archive", "fetch", "--out", str(out)]
    for status in (0, 1):  # the second time the folder is not empty
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == status, done.stderr
    return out


def test_the_archive_is_read_back_as_a_catalogue_of_unlabelled_products(fetched: Path) -> None:
    from preprocessing.catalogue import Catalogue

    items = Catalogue(fetched).unlabelled()
    assert [item.designation for item in items] == ["with a photo", "NA"]
    assert [item.read_photo() is not None for item in items] == [True, False]
    assert (fetched / "archive.csv").read_text().count("\n") == 3
