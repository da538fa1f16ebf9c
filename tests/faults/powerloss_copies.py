"""Power cuts while labels are copied (a backup, a restore) and while something is derived from them (features)."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select

from core.backup.give_back import restore
from core.backup.record import NoBackup, Record, read_record, verify
from core.backup.take import back_up
from core.db.migrate import migrate
from core.db.models import Prediction
from core.store.snapshot import Snapshot
from inference.appearance import Appearance
from tests.faults.campaign import Tally
from tests.faults.judging import judge
from tests.faults.powerloss_scenes import (
    BASE_PRODUCTS,
    Promise,
    acknowledged,
    add_people,
    breaches,
    catalogue_in,
    differences,
    drain,
    seller_file,
    shop_in,
)
from tests.integration.ingest.shop import Shop
from training.features import FeatureSet, features_of


def _stocked(folder: Path) -> Shop:
    """A shop with two base products and one validated one, on a migrated database."""
    shop = shop_in(folder)
    migrate(shop.engine)
    add_people(shop)
    shop.import_catalogue(catalogue_in(folder))
    shop.validated("Livre avec photo", code=40, image=seller_file(1))
    shop.append("monday")
    shop.engine.dispose()
    return shop


def _grown(shop: Shop, folder: Path) -> Shop:
    """The same a day later."""
    shutil.copytree(shop.folder, folder)
    later = shop_in(folder)
    later.validated("Arrivé plus tard", code=2583, image=seller_file(2))
    later.append("tuesday")
    later.engine.dispose()
    return later


class Backup:
    """A backup, and a day later another one in the same place."""

    name = "backup"
    _shops: tuple[Shop, Shop]  # what is backed up is on another disk, whose power stays on

    def prepare(self, folder: Path) -> None:
        first = _stocked(folder / "source")
        self._shops = (first, _grown(first, folder / "source-later"))
        (folder / "var").mkdir()

    def act(self, folder: Path, promise: Promise) -> None:
        self._back_up(1, folder, promise)
        self._back_up(2, folder, promise)

    def resume(self, folder: Path, promise: Promise) -> None:
        self._back_up(2, folder, promise)

    def _back_up(self, number: int, folder: Path, promise: Promise) -> None:
        shop = self._shops[number - 1]
        back_up(shop.engine, shop.store, folder / "var" / "backup")
        promise(str(number))
        shop.engine.dispose()

    def judge(self, folder: Path, promised: set[str], reference: Path) -> Tally:
        tally = Tally()
        try:
            record = self._sound(folder)
        except NoBackup:
            if promised:
                raise
        else:
            if record.rows["prediction"] < max(map(int, promised), default=1):
                tally.violations.append(f"backup {max(promised)} was promised, an older one is there")
        self.resume(folder, lambda what: None)
        rows = self._sound(folder).rows["prediction"]
        if rows != 2:
            tally.violations.append(f"the backup taken after recovery has {rows} predictions instead of 2")
        tally.rows += rows
        return tally

    @staticmethod
    def _sound(folder: Path) -> Record:
        record = read_record(folder / "var" / "backup")
        verify(folder / "var" / "backup", record, lambda done: None)
        return record


class Restore:
    """A backup is brought into an empty place."""

    name = "restore"
    _backup: Path

    def prepare(self, folder: Path) -> None:
        source = _stocked(folder / "source")
        self._backup = folder / "backup"
        back_up(source.engine, source.store, self._backup)
        source.engine.dispose()
        (folder / "var").mkdir()
        empty = shop_in(folder)
        migrate(empty.engine)
        empty.engine.dispose()

    def act(self, folder: Path, promise: Promise) -> None:
        self.resume(folder, promise)

    def resume(self, folder: Path, promise: Promise) -> None:
        shop = shop_in(folder)
        if not self._filled(shop):
            restore(shop.engine, shop.store, self._backup)
        promise("restored")
        shop.engine.dispose()

    @staticmethod
    def _filled(shop: Shop) -> bool:
        with shop.sessions() as session:
            return bool(session.scalar(select(func.count()).select_from(Prediction)))

    def judge(self, folder: Path, promised: set[str], reference: Path) -> Tally:
        shop = shop_in(folder)
        try:
            if promised and not self._filled(shop):
                return Tally(violations=["it was restored, and the database is empty"])
            tally = breaches(shop, "before recovery") if self._filled(shop) else Tally()
            self.resume(folder, lambda what: None)
            drain(shop)
            tally += judge(shop, acknowledged(shop), "after recovery", settled=True, base=BASE_PRODUCTS)
            tally += breaches(shop, "after recovery")
            tally.violations += differences(folder, reference)
            return tally
        finally:
            shop.engine.dispose()


class _Length:
    """Features of a text: how long it is."""

    sha, width = "a" * 64, 1

    def features(self, inputs: Sequence[str]) -> NDArray[np.float16]:
        return np.array([[len(text)] for text in inputs], np.float16)


class _Colour:
    """Features of a photo: its mean colour."""

    sha, width = "b" * 64, 3

    def features(self, inputs: NDArray[np.uint8]) -> NDArray[np.float16]:
        return inputs.mean(axis=(1, 2)).astype(np.float16)


class Features:
    """Features of all rows are computed and kept; what is kept may be lost and must never be wrong."""

    name = "features"
    _training: Path

    def prepare(self, folder: Path) -> None:
        self._training = _stocked(folder / "source").store.training
        (folder / "var").mkdir()

    def act(self, folder: Path, promise: Promise) -> None:
        self._compute(folder)

    def resume(self, folder: Path, promise: Promise) -> None:
        self._compute(folder)

    def judge(self, folder: Path, promised: set[str], reference: Path) -> Tally:
        wrong = []
        for kept in (False, True):
            found, right = self._compute(folder), self._compute(reference)
            if any(not np.array_equal(found.arrays[name], right.arrays[name]) for name in right.arrays):
                wrong.append("features are not those of their rows")
            if kept and found.embedded_rows:
                wrong.append("features that had just been computed were computed again")
        return Tally(violations=wrong)

    def _compute(self, folder: Path) -> FeatureSet:
        encoders = {"text": _Length(), "image": _Colour(), "appearance": Appearance()}
        return features_of(Snapshot.open(self._training), encoders=encoders, cache_root=folder / "var" / "features")
