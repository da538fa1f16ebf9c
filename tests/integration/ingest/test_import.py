"""A catalogue becomes the base of the training store, whole or not at all."""

import json
import re
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.domain.guidelines import BadGuidelines
from core.domain.taxonomy import BadTaxonomy, Taxonomy
from core.store.manifests import newest, numbers
from core.store.snapshot import Snapshot
from preprocessing.catalogue import BadCatalogue
from preprocessing.ingest.base import BaseExists
from tests.integration.ingest.shop import Shop, failpoint_names, photo, tensor_of_upload, write_catalogue

STEPS = ["segment.visible", "manifest.visible", *(name for name in failpoint_names() if name.startswith("import."))]


def test_every_product_arrives_with_its_own_photo(empty_shop: Shop, catalogue: Path) -> None:
    imported = empty_shop.import_catalogue(catalogue)
    snapshot = Snapshot.open(empty_shop.store.training)
    assert (imported.rows, imported.manifest, imported.classes) == (30, 1, 3)
    images = snapshot.images("000000-base")
    for at, row in enumerate(snapshot.rows):
        assert (row.product_id, row.designation, row.source) == (str(3000 + at), f"Objet {at}", "base")
        assert np.array_equal(images[at], tensor_of_upload(photo(at)))
    assert empty_shop.check() == []


def test_importing_again_changes_nothing(empty_shop: Shop, catalogue: Path) -> None:
    first = empty_shop.import_catalogue(catalogue)
    again = empty_shop.import_catalogue(catalogue)
    assert again == replace(first, already_there=True)
    assert numbers(empty_shop.store.training) == [1]
    assert len(Snapshot.open(empty_shop.store.training).rows) == 30


def test_another_catalogue_is_refused_and_leaves_no_trace(shop: Shop, tmp_path: Path) -> None:
    other = write_catalogue(tmp_path / "other", products=31)
    photos = set(shop.store.images.iterdir())
    with pytest.raises(BaseExists, match="already holds a base"):
        shop.import_catalogue(other)
    assert set(shop.store.images.iterdir()) == photos
    assert shop.check() == []


def test_thinning_keeps_every_holdout_and_validation_product(empty_shop: Shop, tmp_path: Path, shop: Shop) -> None:
    thin = write_catalogue(tmp_path / "thin")
    imported = empty_shop.import_catalogue(thin, base=0.25)
    whole = {row.product_id: row.split for row in Snapshot.open(shop.store.training).rows}
    thinned = {row.product_id: row.split for row in Snapshot.open(empty_shop.store.training).rows}
    assert thinned.items() <= whole.items()
    gone = [whole[product] for product in whole.keys() - thinned.keys()]
    assert set(gone) == {"train"}
    assert imported.thinned == len(gone)
    assert imported.splits == dict(sorted(Counter(thinned.values()).items()))
    stored = {path.name for path in empty_shop.store.images.iterdir()}
    assert stored == {row.image_sha256 for row in Snapshot.open(empty_shop.store.training).rows}


def test_a_limit_draws_the_same_products_whatever_the_files_order(empty_shop: Shop, catalogue: Path) -> None:
    empty_shop.import_catalogue(catalogue, limit=7)
    drawn = [row.product_id for row in Snapshot.open(empty_shop.store.training).rows]
    assert len(drawn) == 7
    assert drawn == sorted(drawn)
    assert drawn != [str(3000 + number) for number in range(7)]


def test_copies_share_a_cluster_and_are_reported(empty_shop: Shop, tmp_path: Path) -> None:
    data = write_catalogue(tmp_path / "copies", products=6, codes=(10, 40))
    products = (data / "X_train_update.csv").read_text(encoding="utf-8")
    (data / "X_train_update.csv").write_text(products.replace("Objet 1,", "OBJET 0,"), encoding="utf-8")
    photos = data / "images" / "image_train"
    shutil.copy(photos / "image_9001_product_3001.jpg", photos / "image_9004_product_3004.jpg")
    imported = empty_shop.import_catalogue(data)
    rows = {row.product_id: row for row in Snapshot.open(empty_shop.store.training).rows}
    assert len({(rows[one].cluster, rows[one].split) for one in ("3000", "3001", "3004")}) == 1
    assert (imported.copies.found, imported.copies.same, imported.copies.conflicting_clusters) == (2, 2, 1)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: (data / "X_train_update.csv").unlink(), r"X_train_update\.csv cannot be read"),
        (lambda data: _photo(data, 4).write_bytes(b""), r"line 6: photo .*remove it to import the text alone"),
        (lambda data: _photo(data, 4).write_bytes(b"no photo"), r"X_train_update\.csv line 6: photo .*3004\.jpg"),
        (lambda data: _photo(data, 4).write_bytes(photo(4)[:90]), r"line 6: photo .*cut short"),
        (lambda data: _replace(data, "3,10\n", "3,77\n"), r"X_train_update\.csv line 5: prdtypecode 77 is not in"),
    ],
)
def test_a_damaged_catalogue_is_refused_by_file_and_row(
    empty_shop: Shop, tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    data = write_catalogue(tmp_path / "damaged")
    damage(data)
    with pytest.raises(BadCatalogue, match=message):
        empty_shop.import_catalogue(data)
    assert newest(empty_shop.store.training) is None


def _photo(data: Path, number: int) -> Path:
    return data / "images" / "image_train" / f"image_{9000 + number}_product_{3000 + number}.jpg"


def _replace(data: Path, old: str, new: str) -> None:
    path = data / "Y_train_CVw08PX.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")


def test_a_store_without_its_database_takes_no_other_base(shop: Shop, catalogue: Path) -> None:
    shop.validated("Livre")
    shop.append()
    shutil.rmtree(shop.store.training)
    with pytest.raises(BaseExists, match="not a pair"):
        shop.import_catalogue(catalogue)


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_the_next_import_ends_the_same(
    empty_shop: Shop, catalogue: Path, shop: Shop, step: str
) -> None:
    status, _, _ = empty_shop.run("import", "--data", str(catalogue), failpoint=f"{step}:1:kill")
    assert status == -signal.SIGKILL
    empty_shop.import_catalogue(catalogue)
    assert newest(empty_shop.store.training) == newest(shop.store.training)
    assert empty_shop.check() == []
    copy = empty_shop.validated("Objet 1", image=photo(1))
    empty_shop.append()
    assert empty_shop.rows()[copy].split != "none"


def test_what_an_interrupted_import_of_other_products_left_is_named(
    empty_shop: Shop, catalogue: Path, tmp_path: Path
) -> None:
    empty_shop.run("import", "--data", str(catalogue), failpoint="import.written:1:kill")
    other = write_catalogue(tmp_path / "other", products=31)
    with pytest.raises(BaseExists, match="remove that folder and import again"):
        empty_shop.import_catalogue(other)
    shutil.rmtree(empty_shop.store.training / "segments" / "000000-base")
    assert empty_shop.import_catalogue(other).rows == 31


def test_the_command_reports_on_its_last_line_and_refuses_with_a_message(
    empty_shop: Shop, catalogue: Path, tmp_path: Path
) -> None:
    status, out, err = empty_shop.run("import", "--data", str(catalogue))
    assert status == 0
    assert json.loads(out.splitlines()[-1]).items() >= {"segment": "000000-base", "rows": 30, "manifest": 1}.items()
    assert out.startswith("copies: 0 (0 with the same words or photo, 0 more by near titles, 0 more by near photos)")
    assert '"event": "import.photos"' in err
    other = write_catalogue(tmp_path / "other", products=31)
    status, out, err = empty_shop.run("import", "--data", str(other))
    assert (status, out) == (1, "")
    assert err.splitlines()[-1].startswith("import refused (ingest.base_exists)")


def test_a_database_without_tables_is_a_failure_with_a_message(tmp_path: Path, catalogue: Path) -> None:
    shop = Shop.open(tmp_path)
    status, out, err = shop.run("import", "--data", str(catalogue))
    assert (status, out) == (1, "")
    assert err.splitlines()[-1] == "import failed: no such table: segment_claim"


def test_products_without_photos_need_no_image_folder(empty_shop: Shop, tmp_path: Path) -> None:
    data = write_catalogue(tmp_path / "words", products=3)
    path = data / "X_train_update.csv"
    path.write_text(re.sub(r",\d+$", ",", path.read_text(encoding="utf-8"), flags=re.M), encoding="utf-8")
    assert empty_shop.import_catalogue(data).rows == 3
    assert not Snapshot.open(empty_shop.store.training).images("000000-base").any()


def test_a_product_whose_photo_is_not_there_is_imported_by_its_text(empty_shop: Shop, tmp_path: Path) -> None:
    data = write_catalogue(tmp_path / "lost", products=6)
    _photo(data, 4).unlink()
    assert empty_shop.import_catalogue(data).photos_lost == 1
    photos = [row.image_sha256 for row in Snapshot.open(empty_shop.store.training).rows]
    assert [at for at, photo in enumerate(photos) if not photo] == [4]
    assert empty_shop.check() == []


def test_a_catalogue_without_categories_is_the_challenges_or_names_them_by_their_codes(
    empty_shop: Shop, shop: Shop, tmp_path: Path
) -> None:
    codes = (10, 40, 50, 60, 1140, 1160, 1180, 1280, 1281, 1300)
    ours = write_catalogue(tmp_path / "ours", products=11, codes=codes)
    (ours / "taxonomy.csv").unlink()
    _replace(ours, "10,10\n", "10,77\n")
    with pytest.raises(BadCatalogue, match=r"77 is not in taxonomy .*taxonomy\.csv"):
        shop.import_catalogue(ours)
    foreign = write_catalogue(tmp_path / "foreign", products=4, codes=(10**9, 7))
    (foreign / "taxonomy.csv").unlink()
    empty_shop.import_catalogue(foreign)
    taxonomy = Taxonomy.from_csv(empty_shop.store.root / "taxonomy.csv")
    assert [(one.code, one.label) for one in taxonomy] == [(7, "7"), (10**9, str(10**9))]


def test_codes_may_be_as_large_as_the_database_holds(empty_shop: Shop, tmp_path: Path) -> None:
    data = write_catalogue(tmp_path / "large", products=4, codes=(7, 10**12))
    if empty_shop.engine.dialect.name == "sqlite":
        assert empty_shop.import_catalogue(data).classes == 2
        return
    with pytest.raises(BadTaxonomy, match="between 0 and 2147483647"):
        empty_shop.import_catalogue(data)


def test_real_products_are_imported_and_aligned(empty_shop: Shop, real_products: Path) -> None:
    imported = empty_shop.import_catalogue(real_products, limit=60)
    snapshot = Snapshot.open(empty_shop.store.training)
    taxonomy = Taxonomy.from_csv(empty_shop.store.root / "taxonomy.csv")
    assert imported.rows == len(snapshot.rows) == 60
    assert imported.taxonomy_version == taxonomy.version == snapshot.manifest.taxonomy_version
    assert {row.prdtypecode for row in snapshot.rows} <= set(taxonomy.codes)
    assert {row.split for row in snapshot.rows} == {"train", "validation", "holdout"}
    assert empty_shop.check() == []


def test_guidelines_come_with_the_catalogue_and_may_be_changed_by_importing_again(
    empty_shop: Shop, tmp_path: Path
) -> None:
    data, kept = write_catalogue(tmp_path / "guided"), empty_shop.store.root / "guidelines.csv"
    guidelines = data / "guidelines.csv"
    guidelines.write_text("prdtypecode,en,fr\n10,Books.,Livres.\n", encoding="utf-8")
    empty_shop.import_catalogue(data)
    assert kept.read_text(encoding="utf-8") == "prdtypecode,en,fr\n10,Books.,Livres.\n"
    guidelines.write_text("prdtypecode,en\n10,Used books.\n", encoding="utf-8")
    assert empty_shop.import_catalogue(data).already_there
    assert kept.read_text(encoding="utf-8") == "prdtypecode,en,fr\n10,Used books.,Used books.\n"


def test_guidelines_for_other_categories_are_refused_before_anything_is_published(
    empty_shop: Shop, tmp_path: Path
) -> None:
    data = write_catalogue(tmp_path / "guided")
    (data / "guidelines.csv").write_text("prdtypecode,en\n4711,Nothing.\n", encoding="utf-8")
    with pytest.raises(BadGuidelines, match="4711"):
        empty_shop.import_catalogue(data)
    assert newest(empty_shop.store.training) is None


@pytest.mark.parametrize("brings_its_own_categories", [True, False])
def test_our_guidelines_are_for_our_categories_alone(
    empty_shop: Shop, tmp_path: Path, *, brings_its_own_categories: bool
) -> None:
    data = write_catalogue(tmp_path / "plain")
    if brings_its_own_categories:
        (data / "taxonomy.csv").write_text("prdtypecode,label\n10,Hats\n40,Shoes\n60,Gloves\n2583,Ties\n", "utf-8")
    else:
        (data / "taxonomy.csv").unlink(missing_ok=True)
    empty_shop.import_catalogue(data)
    assert (empty_shop.store.root / "guidelines.csv").exists() is not brings_its_own_categories
