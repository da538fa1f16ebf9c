"""An import keeps products that nobody has labelled, as an upload of them would be kept."""

import json
import shutil
from pathlib import Path

import pytest

from core.reserve import CorruptReserve, Reserve
from core.settings import ServingSettings, StoreSettings
from preprocessing.images import ImageFolder, sanitise
from preprocessing.ingest.reserve import stock_reserve
from tests.integration.ingest.shop import Shop, photo, write_catalogue

LIMITS = ServingSettings()


def add_test_products(data: Path, *lines: str, photos: dict[str, bytes] | None = None) -> None:
    """Give a catalogue a test file."""
    header = ",designation,description,productid,imageid"
    (data / "X_test_update.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    folder = data / "images" / "image_test"
    folder.mkdir(parents=True)
    for name, content in (photos or {}).items():
        (folder / name).write_bytes(content)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Six labelled products, and four that are not: one with its photo, one without, two with broken ones."""
    data = write_catalogue(tmp_path / "catalogue", products=6)
    add_test_products(
        data,
        '6,"Lampe\nà poser","Une ""belle"" lampe, bleue",71,81',
        "7,NA,,72,",
        "8,Cassé,,73,83",
        "9,Vide,,74,84",
        photos={
            "image_81_product_71.jpg": photo(1),
            "image_83_product_73.jpg": b"\xff\xd8\xffnot whole",
            "image_84_product_74.jpg": b"",
        },
    )
    return data


def test_the_command_keeps_the_test_file_s_products_without_any_code(empty_shop: Shop, data: Path) -> None:
    status, out, err = empty_shop.run("import", "--data", str(data))
    assert status == 0, err
    assert json.loads(out.splitlines()[-1])["reserve"] == 2
    assert '"event": "reserve.passed_over"' in err
    kept = {spare.product_id: spare for spare in Reserve(empty_shop.store.reserve).products()}
    assert kept.keys() == {"71", "72"}
    assert (kept["71"].designation, kept["71"].description) == ("Lampe à poser", 'Une "belle" lampe, bleue')
    assert (kept["72"].designation, kept["72"].description, kept["72"].image_sha256) == ("NA", "", "")
    clean = sanitise(photo(1), max_bytes=10**6, max_pixels=10**6)
    assert ImageFolder(empty_shop.store.reserve / "images").get(kept["71"].image_sha256) == clean.data
    assert b"prdtypecode" not in (empty_shop.store.reserve / "products.csv").read_bytes()
    assert empty_shop.check() == []


def test_without_a_test_file_the_products_that_the_import_left_out_are_kept(empty_shop: Shop, catalogue: Path) -> None:
    empty_shop.import_catalogue(catalogue, limit=7)
    assert stock_reserve(empty_shop.store, LIMITS, catalogue) == 23
    base = (empty_shop.store.training / "segments" / "000000-base" / "products.csv").read_text(encoding="utf-8")
    for spare in Reserve(empty_shop.store.reserve).products():
        assert f"\n{spare.product_id}," not in base


def test_a_catalogue_that_was_imported_whole_leaves_no_reserve(shop: Shop, catalogue: Path) -> None:
    assert stock_reserve(shop.store, LIMITS, catalogue) == 0
    assert not shop.store.reserve.exists()


def test_no_more_are_kept_than_the_setting_says(empty_shop: Shop, catalogue: Path) -> None:
    empty_shop.import_catalogue(catalogue, limit=7)
    few = StoreSettings(root=empty_shop.store.root, reserve_products=3)
    assert stock_reserve(few, LIMITS, catalogue) == 3
    assert len(Reserve(few.reserve).products()) == 3


def test_a_reserve_that_is_there_stays_and_one_that_was_removed_is_made_again(empty_shop: Shop, data: Path) -> None:
    empty_shop.import_catalogue(data)
    stock_reserve(empty_shop.store, LIMITS, data)
    first = Reserve(empty_shop.store.reserve).products()
    (data / "X_test_update.csv").unlink()
    assert stock_reserve(empty_shop.store, LIMITS, data) == 2
    assert Reserve(empty_shop.store.reserve).products() == first
    shutil.rmtree(empty_shop.store.reserve)
    assert stock_reserve(empty_shop.store, LIMITS, data) == 0


def test_a_test_file_that_cannot_be_read_costs_the_reserve_and_not_the_base(empty_shop: Shop, data: Path) -> None:
    (data / "X_test_update.csv").write_text("other,columns\n", encoding="utf-8")
    status, out, err = empty_shop.run("import", "--data", str(data))
    assert status == 0, err
    assert json.loads(out.splitlines()[-1]).items() >= {"rows": 6, "reserve": 0}.items()
    assert '"event": "reserve.no_catalogue"' in err


def test_ids_that_would_lead_out_of_the_folder_are_no_products(empty_shop: Shop, data: Path) -> None:
    empty_shop.import_catalogue(data)
    (data / "X_test_update.csv").write_text(
        ",designation,description,productid,imageid\n6,Lampe,,../../71,81\n", encoding="utf-8"
    )
    assert stock_reserve(empty_shop.store, LIMITS, data) == 0
    assert not empty_shop.store.reserve.exists()


def test_a_killed_writer_leaves_no_reserve_and_the_next_import_makes_one(empty_shop: Shop, data: Path) -> None:
    empty_shop.import_catalogue(data)
    left = empty_shop.store.root / ".reserve.0123.aside"
    left.mkdir()
    (left / "products.csv").write_text("half", encoding="utf-8")
    assert Reserve(empty_shop.store.reserve).products() == ()
    assert stock_reserve(empty_shop.store, LIMITS, data) == 2
    assert not left.exists()


@pytest.mark.parametrize(
    "content", ["", "product_id,designation\n1,Lampe\n", "product_id,designation,description,image_sha256\n1\n"]
)
def test_a_damaged_list_is_named_and_not_served(tmp_path: Path, content: str) -> None:
    (tmp_path / "products.csv").write_text(content, encoding="utf-8")
    with pytest.raises(CorruptReserve, match=r"products\.csv"):
        Reserve(tmp_path).products()
