"""A backup beside a running system restores to a system without a violation; a damaged one is refused by name."""

import json
import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import update

from core.backup.files import WrongContent
from core.backup.give_back import restore
from core.backup.record import CorruptBackup, NoBackup, Refused, read_record
from core.backup.take import back_up
from core.db.migrate import migrate
from core.db.models import Prediction
from core.db.repositories import promotions
from core.registry.packages import DroppedPackage, MissingPackage, encoders_of, open_package, write_package
from core.retention import inventory, removal
from core.store import training_csv
from core.store.snapshot import Snapshot
from preprocessing.images import ImageFolder
from tests.conftest import ROOT
from tests.integration.conftest import DATABASES
from tests.integration.ingest.shop import Shop, photo

only_on_sqlite = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """Where the backup goes."""
    return tmp_path / "safe" / "backup"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Shop]:
    """An empty place to restore into, on SQLite."""
    shop = Shop.open(tmp_path / "elsewhere")
    yield shop
    shop.engine.dispose()


def stage(shop: Shop, *titles: str) -> list[str]:
    return [shop.validated(title, image=photo(500 + len(title))) for title in titles]


def give_back(backup: Path, shop: Shop) -> Shop:
    restore(shop.engine, shop.store, backup)
    return shop


def back(shop: Shop, backup: Path) -> None:
    back_up(shop.engine, shop.store, backup)


def test_what_was_backed_up_comes_back(shop: Shop, backup: Path, elsewhere: Shop) -> None:
    stage(shop, "Livre", "Jeu vidéo 🎮")
    shop.append()
    waiting = stage(shop, "En attente")
    back(shop, backup)
    restored = give_back(backup, elsewhere)
    assert restored.rows() == shop.rows()
    assert restored.check() == []
    assert training_csv.is_intact(restored.store.training)
    restored.append("after the restore")
    assert set(waiting) <= set(restored.rows())
    assert restored.check() == []


@pytest.mark.parametrize("kind", DATABASES)
def test_a_backup_fits_another_kind_of_database(
    shop: Shop, backup: Path, tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    stage(shop, "Livre", "é ❤ \\ \" ' \r\n\t=1+1")
    shop.append()
    back(shop, backup)
    url = request.getfixturevalue("mariadb_server").fresh().url if kind == "mariadb" else None
    other = give_back(backup, Shop.open(tmp_path / "other", url))
    again = back_up(other.engine, other.store, tmp_path / "again")
    assert {one.target: one.sha256 for one in again.everything} == {
        one.target: one.sha256 for one in read_record(backup).everything
    }
    assert other.check() == []
    other.engine.dispose()


def test_a_backup_beside_a_running_system_is_of_one_moment(shop: Shop, backup: Path, tmp_path: Path) -> None:
    said: list[str] = []
    stopping = threading.Event()
    failed: list[BaseException] = []

    def live() -> None:
        try:
            while not stopping.is_set():
                said.append(shop.validated(f"Objet {len(said)}", image=photo(200 + len(said) % 7)))
                if len(said) % 3 == 0:
                    shop.append(f"run {len(said)}")
        except BaseException as error:  # the test has to see it
            failed.append(error)

    shop.append("before")
    writer = threading.Thread(target=live)
    writer.start()
    try:
        for number in range(3):
            before = set(said)
            back(shop, backup)
            restored = give_back(backup, Shop.open(tmp_path / f"restored-{number}"))
            assert restored.check() == []
            restored.append("what was waiting or on its way")
            assert restored.check() == []
            assert before <= set(restored.rows()) <= set(said)
            restored.engine.dispose()
    finally:
        stopping.set()
        writer.join()
    assert failed == []
    assert len(said) > 3


class Meanwhile(logging.Handler):
    """Does something at the moment when the backup has just read the predictions."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self._act = act

    def emit(self, record: logging.LogRecord) -> None:
        if (record.getMessage(), getattr(record, "table", "")) == ("backup.table", "prediction"):
            self._act()


def test_a_batch_that_comes_while_the_backup_is_taken_is_not_half_in_it(
    shop: Shop, backup: Path, elsewhere: Shop
) -> None:
    def live() -> None:
        stage(shop, "Pendant ce temps")
        shop.append("meanwhile")

    (made,) = stage(shop, "Livre")
    shop.append("before")
    logger, meanwhile = logging.getLogger("core.backup.take"), Meanwhile(live)
    logger.setLevel(logging.INFO)
    logger.addHandler(meanwhile)
    try:
        back(shop, backup)
    finally:
        logger.removeHandler(meanwhile)
        logger.setLevel(logging.NOTSET)
    assert len(shop.rows()) == 2
    restored = give_back(backup, elsewhere)
    assert restored.check() == []
    assert set(restored.rows()) == {made}


def test_a_batch_that_was_on_its_way_is_resumed_after_the_restore(shop: Shop, backup: Path, elsewhere: Shop) -> None:
    ids = stage(shop, "Livre")
    shop.append()
    ids += stage(shop, "Jeu", "Lampe")
    shop.run("append", "--run-key", "killed", failpoint="append.published:1:kill")
    back(shop, backup)
    assert read_record(backup).manifest == 2  # manifest 3 is published, and the database does not know it yet
    restored = give_back(backup, elsewhere)
    assert restored.check() == []
    assert set(restored.rows()) == set(ids[:1])
    restored.append("resumes")
    assert set(restored.rows()) == set(ids)
    assert restored.check() == []


def test_an_empty_system_can_be_backed_up(empty_shop: Shop, backup: Path, elsewhere: Shop) -> None:
    back(empty_shop, backup)
    assert read_record(backup).manifest is None
    assert give_back(backup, elsewhere).check() == []


@only_on_sqlite
def test_only_what_is_new_is_copied(shop: Shop, backup: Path) -> None:
    back(shop, backup)
    before = {path: path.stat().st_ino for path in (backup / "store").rglob("*") if path.is_file()}
    stage(shop, "Livre")
    shop.append()
    back(shop, backup)
    after = {path: path.stat().st_ino for path in (backup / "store").rglob("*") if path.is_file()}
    assert before.items() <= after.items()
    assert len(after) == len(before) + 4  # a photo, a manifest, a segment's two files


@only_on_sqlite
def test_a_backup_is_for_its_owner_only(shop: Shop, backup: Path) -> None:
    back(shop, backup)
    modes = {(path.is_dir(), path.stat().st_mode & 0o777) for path in (backup, *backup.rglob("*"))}
    assert modes == {(True, 0o700), (False, 0o600)}


@only_on_sqlite
def test_a_copy_that_a_killed_process_left_beside_the_database_is_removed(shop: Shop, backup: Path) -> None:
    left = shop.folder / ".etalon.db.0123.aside"
    left.mkdir()
    (left / "etalon.db").write_bytes(b"half a copy")
    back(shop, backup)
    assert list(shop.folder.glob(".*")) == []


@only_on_sqlite
def test_what_a_backup_no_longer_names_leaves_it(shop: Shop, backup: Path) -> None:
    (made,) = stage(shop, "Livre")
    back(shop, backup)
    with shop.sessions.begin() as session:
        row = session.get_one(Prediction, made)
        erased, row.image_sha256 = row.image_sha256, None
    (backup / "database" / ".audit.new").write_bytes(b"left by a killed writer")
    back(shop, backup)
    assert not (backup / "store" / "images" / erased).exists()
    found = {str(path.relative_to(backup)) for path in backup.rglob("*") if path.is_file()}
    assert found == {"backup.json", *(one.file for one in read_record(backup).everything)}


@only_on_sqlite
def test_a_lost_photo_is_named_and_the_earlier_backup_stays(shop: Shop, backup: Path, elsewhere: Shop) -> None:
    back(shop, backup)
    (made,) = stage(shop, "Livre")
    with shop.sessions() as session:
        lost = ImageFolder(shop.store.images).path(session.get_one(Prediction, made).image_sha256)
    lost.unlink()
    with pytest.raises(WrongContent, match=f"{lost} cannot be copied: it is missing"):
        back(shop, backup)
    assert len(Snapshot.open(give_back(backup, elsewhere).store.training).rows) == 30


@only_on_sqlite
def test_a_damaged_segment_is_not_backed_up(shop: Shop, backup: Path) -> None:
    path = shop.store.training / "segments" / "000000-base" / "images.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(WrongContent, match=r"000000-base/images\.npy cannot be copied"):
        back(shop, backup)


def release(shop: Shop) -> tuple[str, str]:
    """Release a model with its two encoders; returns its sha and that of a package that was never released."""

    def package(kind: str, spec: dict[str, object]) -> str:
        extra = {"golden/answers.npz": b"golden"}
        return write_package(shop.store.packages, kind=kind, spec=spec, arrays={"w": np.ones(3)}, extra_files=extra).sha

    text, image, other = (package(kind, {"name": kind}) for kind in ("text-encoder", "image-encoder", "other"))
    model = package("model", {"encoders": {"text": text, "image": image}})
    with shop.sessions.begin() as session:
        promotions.promote(
            session,
            expected_epoch=0,
            models={"fusion": model},
            actor="test",
            reason="a test",
            kind="first",
            gate_report=None,
            run_id=None,
            manifest=1,
            taxonomy_version="t",
        )
    return model, other


@only_on_sqlite
def test_released_models_and_their_encoders_come_along(shop: Shop, backup: Path, elsewhere: Shop) -> None:
    model, other = release(shop)
    back(shop, backup)
    restored = give_back(backup, elsewhere)
    (text, image) = encoders_of(open_package(restored.store.packages, model))
    assert {path.name for path in restored.store.packages.iterdir()} == {model, text, image}
    assert other not in {model, text, image}
    for sha in (model, text, image):
        assert open_package(restored.store.packages, sha).files == open_package(shop.store.packages, sha).files


@only_on_sqlite
def test_a_model_that_was_dropped_is_restored_as_one_that_was_dropped(
    shop: Shop, backup: Path, elsewhere: Shop
) -> None:
    model, _ = release(shop)
    found = [one for one in inventory.packages(shop.store.packages) if one.sha == model]
    (aside,) = removal.put_packages_aside(shop.store.packages, [(found[0], "old")], dropped_on="today")
    removal.delete(aside)
    back(shop, backup)
    restored = give_back(backup, elsewhere)
    with pytest.raises(DroppedPackage, match="was dropped on today: old"):
        open_package(restored.store.packages, model)


@only_on_sqlite
def test_a_released_model_that_is_gone_is_named(shop: Shop, backup: Path) -> None:
    model, _ = release(shop)
    shutil.rmtree(shop.store.packages / model)
    with pytest.raises(MissingPackage, match=model):
        back(shop, backup)


def damage(path: Path, how: str) -> None:
    if how == "missing":
        path.unlink()
    else:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data if how == "changed" else data[:-1])


@only_on_sqlite
@pytest.mark.parametrize("how", ["missing", "changed", "truncated"])
@pytest.mark.parametrize("which", ["database/verdict.*", "store/images/*", "store/training/manifests/*", "backup.json"])
def test_a_damaged_backup_is_refused_by_name_and_nothing_is_written(
    shop: Shop, backup: Path, elsewhere: Shop, which: str, how: str
) -> None:
    stage(shop, "Livre")
    back(shop, backup)
    path = sorted(backup.glob(which))[0]
    damage(path, how)
    with pytest.raises((CorruptBackup, NoBackup), match=path.name):
        give_back(backup, elsewhere)
    assert not elsewhere.store.root.exists()


@only_on_sqlite
def test_a_database_with_a_row_is_not_restored_into(shop: Shop, backup: Path, tmp_path: Path) -> None:
    back(shop, backup)
    with pytest.raises(Refused, match=r"database is not empty: it has rows in .*user_account"):
        restore(shop.engine, shop.store.model_copy(update={"root": tmp_path / "new"}), backup)


@only_on_sqlite
@pytest.mark.parametrize("there", ["taxonomy.csv", "images/x", "training/segments/000007/products.csv", "packages/p/s"])
def test_a_store_with_a_file_is_not_restored_into(shop: Shop, backup: Path, elsewhere: Shop, there: str) -> None:
    back(shop, backup)
    path = elsewhere.store.root / there
    path.parent.mkdir(parents=True)
    path.write_text("kept")
    with pytest.raises(Refused, match=f"it holds {there}"):
        give_back(backup, elsewhere)
    assert path.read_text() == "kept"


@only_on_sqlite
def test_an_interrupted_restore_is_repeated(shop: Shop, backup: Path, elsewhere: Shop) -> None:
    back(shop, backup)
    for part in ("images", "training"):
        shutil.copytree(backup / "store" / part, elsewhere.store.root / part)
    next((elsewhere.store.root / "images").iterdir()).unlink()
    migrate(elsewhere.engine)
    assert give_back(backup, elsewhere).check() == []


@only_on_sqlite
def test_another_schema_is_refused(shop: Shop, backup: Path, elsewhere: Shop) -> None:
    record = back_up(shop.engine, shop.store, backup)
    other = type(record)("0001", record.taken_at, record.manifest, record.rows, record.tables, record.files)
    (backup / "backup.json").write_bytes(other.to_bytes())
    with pytest.raises(Refused, match="the backup has schema 0001"):
        give_back(backup, elsewhere)


def run(shop: Shop, *arguments: str) -> tuple[int, str, dict[str, object]]:
    environment = {**os.environ, "DB_URL": shop.url, "STORE_ROOT": str(shop.store.root)}
    command = [sys.executable, "-m", "core.backup", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    lines = done.stdout.splitlines() or ["{}"]
    return done.returncode, done.stdout + done.stderr, json.loads(lines[-1])


@only_on_sqlite
def test_the_commands_back_up_drill_and_restore(shop: Shop, backup: Path, elsewhere: Shop, tmp_path: Path) -> None:
    stage(shop, "Livre")
    shop.append()
    status, text, answer = run(shop, "backup", "--to", str(backup))
    assert (status, answer["manifest"], answer["verdicts"]) == (0, 2, 1), text
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    status, text, answer = run(elsewhere, "drill", "--from", str(backup), "--scratch", str(scratch))
    assert (status, answer["violations"], list(scratch.iterdir())) == (0, 0, []), text
    status, text, answer = run(elsewhere, "restore", "--from", str(backup))
    assert (status, answer["violations"]) == (0, 0), text
    assert elsewhere.rows() == shop.rows()
    status, text, _ = run(elsewhere, "restore", "--from", str(backup))
    assert (status, "restore refused (backup.refused): the database is not empty" in text) == (1, True)


@only_on_sqlite
def test_a_drill_fails_where_what_was_backed_up_breaks_an_invariant(shop: Shop, backup: Path) -> None:
    (made,) = stage(shop, "Livre")
    with shop.sessions.begin() as session:
        session.execute(update(Prediction).where(Prediction.id == made).values(current_code=40))
    back(shop, backup)
    status, text, answer = run(shop, "drill", "--from", str(backup))
    assert (status, answer["violations"]) == (1, 1)
    assert f"I4  prediction {made}: it was accepted as 10, and says 40" in text


@only_on_sqlite
def test_ages_are_those_of_the_backup(shop: Shop) -> None:
    stage(shop, "Livre")
    assert shop.run("fsck")[0] == 0
    status, out, _ = shop.run("fsck", "--as-of", "2100-01-01T00:00:00")
    assert status == 1
    assert out.startswith("I7")
