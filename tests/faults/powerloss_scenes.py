"""What is under way when the power is cut, and what must be true when it is back: one class a piece of work."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
from sqlalchemy import select

from api.accounts.service import Account
from api.predictions.service import PredictionDesk, Submission, stage
from api.review.service import ReviewService
from api.serving.engine import ServingEngine
from core.db.models import Base, Prediction, UserAccount
from core.db.repositories import promotions
from core.db.session import make_readers, transact
from core.domain.roles import Role
from core.durable import make_folder, write_durably
from core.registry.packages import MissingPackage, Package, open_package, write_package
from core.settings import ServingSettings
from core.store import training_csv
from core.store.durable import publish_once
from core.store.rows import encode_rows
from core.store.snapshot import Snapshot
from preprocessing.images import ImageFolder
from preprocessing.ingest.append import active_taxonomy
from tests.faults.campaign import Tally
from tests.faults.judging import judge
from tests.faults.workload import ADMIN, CODES, VERY_CONFIDENT, Item, Journal, upload
from tests.integration.api.toys import InProcess, ToyModel
from tests.integration.ingest.shop import REVIEWER, SELLER, Shop, photo, write_catalogue

BASE_PRODUCTS = 2
_MOST_RUNS = 4
"""Appends after which nothing may wait any more."""

Promise = Callable[[str], None]
"""Called when somebody is told that something is done."""


class Scene(Protocol):
    """Some work on files, whole as the product does it.

    Attributes:
        name: of the scene, in reports.
    """

    name: str

    def prepare(self, folder: Path) -> None:
        """Build what is there before, in ``folder``; its files are below ``folder / "var"``."""

    def act(self, folder: Path, promise: Promise) -> None:
        """The work whose power is cut."""

    def resume(self, folder: Path, promise: Promise) -> None:
        """What a new process does after a crash, on its own."""

    def judge(self, folder: Path, promised: set[str], reference: Path) -> Tally:
        """Recover in ``folder`` and say what is wrong; ``reference`` is the undisturbed end."""


def _open_shop(folder: Path) -> Shop:
    shop = shop_in(folder)
    Base.metadata.create_all(shop.engine)
    add_people(shop)
    return shop


def add_people(shop: Shop) -> None:
    """The accounts that send and that decide."""
    with shop.sessions.begin() as session:
        for who, name, role in (
            (SELLER, "seller", Role.CUSTOMER),
            (REVIEWER, "reviewer", Role.ADMIN),
            (ADMIN.id, "admin", Role.ADMIN),
        ):
            session.add(UserAccount(id=who, username=name, password_hash="x", role=role.value))


def catalogue_in(folder: Path) -> Path:
    """What is imported: always the same, and not on the disk whose power is cut."""
    data = folder / "catalogue"
    return data if data.exists() else write_catalogue(data, BASE_PRODUCTS, CODES)


@cache
def shop_in(folder: Path) -> Shop:
    """One engine a folder: what it has compiled serves all states that are judged there, one after the other."""
    return Shop.open(folder)


def seller_file(number: int) -> bytes:
    """The seller's file behind ``workload.upload``."""
    return photo(500 + number)


_PHOTOS: dict[str, int | None] = {"Livre avec photo": 1, "Livre sans photo": None, "Arrivé plus tard": 2}


def acknowledged(shop: Shop) -> Journal:
    """What the database says was accepted: its commits are what people were told."""
    journal = Journal()
    with shop.sessions() as session:
        for row in session.query(Prediction):
            standing = row.status in ("validated", "ingested")
            item = Item(row.designation, _PHOTOS[row.designation], accepted={10, 40, 2583} & {row.current_code})
            item.stand("validated" if standing else "retracted", row.current_code if standing else None)
            journal.items[row.id] = item
    return journal


class _Loop:
    """Work of the ingest on a shop's database and store."""

    def resume(self, folder: Path, promise: Promise) -> None:
        shop = shop_in(folder)
        drain(shop)
        shop.engine.dispose()

    def judge(self, folder: Path, promised: set[str], reference: Path) -> Tally:
        shop = shop_in(folder)
        try:
            journal = acknowledged(shop)
            tally = breaches(shop, "before recovery")
            drain(shop)
            tally += judge(shop, journal, "after recovery", settled=True, base=BASE_PRODUCTS)
            tally += breaches(shop, "after recovery")
            tally.violations += differences(folder, reference)
            return tally
        finally:
            shop.engine.dispose()


class Append(_Loop):
    """Two batches, the second with a product that arrives between them."""

    name = "append"

    def prepare(self, folder: Path) -> None:
        shop = _open_shop(folder)
        shop.import_catalogue(catalogue_in(folder))
        shop.validated("Livre avec photo", code=40, image=seller_file(1))
        shop.validated("Livre sans photo", code=10)
        shop.engine.dispose()

    def act(self, folder: Path, promise: Promise) -> None:
        shop = shop_in(folder)
        shop.append("monday")
        shop.validated("Arrivé plus tard", code=2583, image=seller_file(2))
        shop.append("tuesday")
        shop.engine.dispose()


class Corrections(_Loop):
    """One row is corrected and another retracted, in one batch; then the retracted one is accepted again."""

    name = "corrections"

    def prepare(self, folder: Path) -> None:
        shop = _open_shop(folder)
        shop.import_catalogue(catalogue_in(folder))
        for title, code, number in (("Livre avec photo", 40, 1), ("Livre sans photo", 10, None)):
            shop.validated(title, code=code, image=None if number is None else seller_file(number))
        shop.append("monday")
        shop.engine.dispose()

    def act(self, folder: Path, promise: Promise) -> None:
        shop = shop_in(folder)
        with shop.sessions.begin() as session:
            one, other = session.scalars(select(Prediction.id).order_by(Prediction.id))
            reviews = ReviewService(session, active_taxonomy(shop.store), ADMIN, VERY_CONFIDENT)
            reviews.correct(one, code=2583, reason=None, if_version=None)
            reviews.retract(other, reason=None, if_version=None)
        shop.append("tuesday")
        with shop.sessions.begin() as session:
            reviews = ReviewService(session, active_taxonomy(shop.store), ADMIN, VERY_CONFIDENT)
            reviews.undo(other, reason=None, if_version=None)
            reviews.validate(other, code=40, reason=None, if_version=None)
        shop.append("wednesday")
        shop.engine.dispose()


def drain(shop: Shop) -> None:
    """Append until nothing waits."""
    for run in range(_MOST_RUNS):
        if shop.append(f"after the power cut, {run}") is None:
            return
    raise AssertionError(f"something still waits after {_MOST_RUNS} appends")


def breaches(shop: Shop, when: str) -> Tally:
    """What ``fsck --full`` finds."""
    return Tally(violations=[f"{when}: {violation}" for violation in shop.check()])


def differences(folder: Path, reference: Path) -> list[str]:
    """Manifests and segments are pure functions of what was claimed, whatever happened in between."""
    training = folder / "var" / "training"
    found = [path for room in ("manifests", "segments") for path in sorted((training / room).rglob("*"))]
    wrong = []
    for path in found:
        name = path.relative_to(folder)
        if path.parent.name == "segments" and path.name.startswith("."):
            wrong.append(f"after recovery: {name} was left")
        elif path.is_file() and not path.name.startswith("."):
            known = reference / name
            if not known.is_file() or known.read_bytes() != path.read_bytes():
                wrong.append(f"after recovery: {name} is not what the undisturbed run wrote")
    if b"".join(encode_rows(Snapshot.open(training).rows)) != (training / training_csv.TRAINING_CSV).read_bytes():
        wrong.append("after recovery: training.csv does not hold the live rows")
    return wrong


class Import:
    """A catalogue becomes the base of an empty store."""

    name = "import"

    def prepare(self, folder: Path) -> None:
        _open_shop(folder).engine.dispose()
        (folder / "var").mkdir()

    def act(self, folder: Path, promise: Promise) -> None:
        self.resume(folder, promise)

    def resume(self, folder: Path, promise: Promise) -> None:
        shop = shop_in(folder)
        shop.import_catalogue(catalogue_in(folder))
        promise("imported")
        shop.engine.dispose()

    def judge(self, folder: Path, promised: set[str], reference: Path) -> Tally:
        shop = shop_in(folder)
        try:
            tally = breaches(shop, "before recovery")
            if promised:
                tally += judge(shop, Journal(), "before recovery", settled=True, base=BASE_PRODUCTS)
            shop.import_catalogue(catalogue_in(folder))
            if not shop.import_catalogue(catalogue_in(folder)).already_there:
                tally.violations.append("after recovery: importing twice imported twice")
            tally += judge(shop, Journal(), "after recovery", settled=True, base=BASE_PRODUCTS)
            tally += breaches(shop, "after recovery")
            tally.violations += differences(folder, reference)
            return tally
        finally:
            shop.engine.dispose()


class Predict:
    """The API's half: three predictions, two of them of one photo."""

    name = "predict"

    def prepare(self, folder: Path) -> None:
        shop = _open_shop(folder)
        (folder / "var").mkdir()
        with shop.sessions.begin() as session:
            promotions.promote(
                session,
                expected_epoch=0,
                kind="gate",
                models={"fusion": "1" * 64},
                actor="test",
                reason="a test",
                gate_report=None,
                run_id=None,
                manifest=1,
                taxonomy_version="toy000000000",
            )
        shop.engine.dispose()

    def act(self, folder: Path, promise: Promise) -> None:
        shop = shop_in(folder)
        readers = make_readers(shop.engine)
        serving = ServingEngine(readers, ToyModel, poll_s=60)
        serving.poll()
        decoder = InProcess(ServingSettings(max_upload_bytes=10**6, max_image_pixels=10**6))
        desk = PredictionDesk(readers, serving, ImageFolder(shop.store.images), decoder.decode)
        seller = Account(SELLER, "seller", Role.CUSTOMER)
        for title, number in (("a book", 1), ("a book again", 1), ("b game", 2)):
            submission = Submission(title, None, seller_file(number), None, top_k=3, idempotency_key=None)
            new = desk.answer(submission, seller)
            transact(shop.sessions, lambda session, new=new, asked=submission: stage(session, new, asked, seller).id)
        shop.engine.dispose()

    def resume(self, folder: Path, promise: Promise) -> None:
        self.act(folder, promise)

    def judge(self, folder: Path, promised: set[str], reference: Path) -> Tally:
        shop = shop_in(folder)
        tally = Tally()
        try:
            with shop.sessions() as session:
                shas = [row.image_sha256 for row in session.query(Prediction)]
            for sha in shas:
                tally.rows += 1
                if ImageFolder(shop.store.images).get(sha) != _sold(sha):
                    tally.violations.append(f"photo {sha} is another")
            self.resume(folder, lambda what: None)
            return tally
        finally:
            shop.engine.dispose()


def _sold(sha256: str) -> bytes | None:
    return next((upload(number).data for number in (1, 2) if upload(number).sha256 == sha256), None)


class Packages:
    """A package is written, and written again over a damaged one."""

    name = "package"

    def prepare(self, folder: Path) -> None:
        (folder / "var").mkdir(parents=True)
        self._write(folder, 1)
        damaged = self._write(folder, 2)
        (damaged.path / "model_card.md").write_bytes(b"?")

    def act(self, folder: Path, promise: Promise) -> None:
        for number in (1, 2, 3):
            self._write(folder, number)
            promise(str(number))

    def resume(self, folder: Path, promise: Promise) -> None:
        self.act(folder, promise)

    def judge(self, folder: Path, promised: set[str], reference: Path) -> Tally:
        root, tally = folder / "var" / "packages", Tally()
        for number in sorted(promised):
            open_package(root, self._write(reference, int(number)).sha)
            tally.rows += 1
        if "3" not in promised:
            self._absent_or_sound(root, self._write(reference, 3).sha)
        self.resume(folder, lambda what: None)
        for number in (1, 2, 3):
            package = open_package(root, self._write(reference, number).sha)
            if not np.array_equal(package.arrays()["weights"], _weights(number)):
                tally.violations.append(f"package {number} holds other arrays")
        return tally

    @staticmethod
    def _absent_or_sound(root: Path, sha: str) -> None:
        try:
            open_package(root, sha)
        except MissingPackage:
            return

    @staticmethod
    def _write(folder: Path, number: int) -> Package:
        def derive(path: Path) -> None:
            (path / "exports").mkdir()
            (path / "exports" / "head.bin").write_bytes(bytes([number]) * 300)

        return write_package(
            folder / "var" / "packages",
            kind="model",
            spec={"number": number},
            arrays={"weights": _weights(number)},
            extra_files={"model_card.md": b"# A toy\n"},
            derived=derive,
        )


def _weights(number: int) -> np.ndarray:
    return np.full((4, 5), number, np.float32)


class Files:
    """Single files: one replaced twice, two that only the first writer creates, in a folder that is new."""

    name = "files"
    _contents = (b"old " * 50, b"newer " * 70, b"newest")

    def prepare(self, folder: Path) -> None:
        (folder / "var").mkdir(parents=True)
        write_durably(folder / "var" / "kept", self._contents[0])

    def act(self, folder: Path, promise: Promise) -> None:
        for number, content in enumerate(self._contents[1:], 1):
            write_durably(folder / "var" / "kept", content)
            promise(f"kept {number}")
        self.resume(folder, promise)

    def resume(self, folder: Path, promise: Promise) -> None:
        for number in (1, 2):
            inner = make_folder(folder / "var" / "deep" / "deeper")
            if not (inner / str(number)).exists():
                publish_once(inner / str(number), self._contents[number])
                promise(f"once {number}")

    def judge(self, folder: Path, promised: set[str], reference: Path) -> Tally:
        tally = Tally()
        at_least = max([int(what.split()[1]) for what in promised if what.startswith("kept")], default=0)
        if (folder / "var" / "kept").read_bytes() not in self._contents[at_least:]:
            tally.violations.append(f"version {at_least} or later of a file was promised, and it holds another")
        for number in (1, 2):
            path = folder / "var" / "deep" / "deeper" / str(number)
            if not path.exists() and f"once {number}" not in promised:
                continue
            if path.read_bytes() != self._contents[number]:
                tally.violations.append(f"{path.name} holds something else")
        self.resume(folder, lambda what: None)
        return tally
