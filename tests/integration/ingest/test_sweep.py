"""Photos that nothing names go after a day; every other one stays."""

import json
import os
import time
from pathlib import Path

import pytest

from core.db.models import Prediction
from core.store.segments import CorruptSegment
from preprocessing.images import ImageFolder, sanitise
from preprocessing.ingest import sweep
from preprocessing.ingest.sweep import Swept, sweep_photos
from tests.integration.conftest import same_on_any_database
from tests.integration.ingest.desk import erase
from tests.integration.ingest.shop import Shop, photo

pytestmark = same_on_any_database
DAY_S = 24 * 3600


def store_photo(shop: Shop, seed: int) -> Path:
    return ImageFolder(shop.store.images).put(sanitise(photo(seed), max_bytes=10**6, max_pixels=10**6))


def photo_of(shop: Shop, prediction_id: str) -> Path:
    with shop.sessions() as session:
        return shop.store.images / session.get_one(Prediction, prediction_id).image_sha256


def swept(shop: Shop, *, days_later: float = 1.01) -> Swept:
    return sweep_photos(shop.sessions, shop.store, now_s=time.time() + days_later * DAY_S)


def test_a_photo_that_nothing_names_goes_after_a_day(shop: Shop) -> None:
    left = store_photo(shop, 801)
    assert swept(shop, days_later=0.9) == Swept(31, 0)
    assert swept(shop) == Swept(31, 1)
    assert not left.exists()
    assert shop.check() == []


def test_named_photos_stay(shop: Shop) -> None:
    pending = shop.validated("Livre", image=photo(802), move=None)
    waiting = shop.validated("Jeu", image=photo(803))
    assert swept(shop) == Swept(32, 0)  # thirty are those of base rows
    shop.append()
    assert swept(shop) == Swept(32, 0)
    assert photo_of(shop, pending).exists()
    assert photo_of(shop, waiting).exists()


def test_the_photo_of_an_erased_product_goes_once_its_row_is_retracted(shop: Shop) -> None:
    made = shop.validated("Livre", image=photo(804))
    path = photo_of(shop, made)
    shop.append("first")
    erase(shop, made)
    assert swept(shop).removed == 0
    shop.append("second")
    assert swept(shop).removed == 1
    assert not path.exists()
    assert shop.check() == []


def test_a_photo_that_is_stored_again_is_young_again(shop: Shop) -> None:
    path = store_photo(shop, 805)
    long_ago = time.time() - 10 * DAY_S
    os.utime(path, (long_ago, long_ago))
    store_photo(shop, 805)
    assert swept(shop, days_later=0).removed == 0


def test_a_photo_that_is_stored_again_while_it_is_taken_away_stays(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store_photo(shop, 806)
    long_ago = time.time() - 10 * DAY_S
    os.utime(path, (long_ago, long_ago))
    named_by_rows = sweep._named_by_rows

    def meanwhile(training: Path) -> list[str]:
        store_photo(shop, 806)
        return list(named_by_rows(training))

    monkeypatch.setattr(sweep, "_named_by_rows", meanwhile)
    assert swept(shop, days_later=0).removed == 0
    assert path.exists()


def test_what_a_killed_writer_left_goes_too(shop: Shop) -> None:
    left = shop.store.images / f".{'a' * 64}.0123.aside"
    left.write_bytes(b"half a photo")
    assert swept(shop, days_later=0.01) == Swept(30, 0)
    assert left.exists()
    assert swept(shop) == Swept(30, 0)
    assert not left.exists()


def test_a_named_photo_that_a_killed_sweeper_took_aside_is_put_back(shop: Shop) -> None:
    path = photo_of(shop, shop.validated("Livre", image=photo(809)))
    path.rename(path.with_name(f".{path.name}.0123.aside"))
    assert swept(shop) == Swept(31, 0)
    assert path.exists()
    shop.append()
    assert shop.check() == []


def test_an_unnamed_photo_that_a_killed_sweeper_took_aside_goes_after_all(shop: Shop) -> None:
    path = store_photo(shop, 810)
    path.rename(path.with_name(f".{path.name}.0123.aside"))
    assert swept(shop) == Swept(31, 1)
    assert list(shop.store.images.glob(".*")) == []


def test_nothing_goes_while_the_rows_cannot_be_read(shop: Shop) -> None:
    left = store_photo(shop, 807)
    (shop.store.training / "segments" / "000000-base" / "products.csv").write_bytes(b"")
    with pytest.raises(CorruptSegment):
        swept(shop)
    assert left.exists()


def test_the_command_says_how_many_went_and_when_there_was_nothing(shop: Shop) -> None:
    path = store_photo(shop, 808)
    long_ago = time.time() - 10 * DAY_S
    os.utime(path, (long_ago, long_ago))
    status, out, _ = shop.run("sweep")
    assert (status, json.loads(out)) == (0, {"photos": 31, "removed": 1, "settled": 0})
    assert shop.run("sweep")[0] == 99
