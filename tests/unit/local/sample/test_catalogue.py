"""The sample catalogue on disk: the challenge's layout, every class, the same bytes for the same seed."""

import csv
import dataclasses
import hashlib
import json
from pathlib import Path

import pytest
from PIL import Image

from local.sample.__main__ import main
from local.sample.catalogue import FolderTaken, plan, write_catalogue
from local.sample.recipe import DATA, Recipe, read_recipe
from local.sample.vocabulary import Vocabulary, read_vocabulary

TRAIN, INCOMING = 54, 27


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return read_recipe(train=TRAIN, incoming=INCOMING)


@pytest.fixture(scope="module")
def vocabulary(recipe: Recipe) -> Vocabulary:
    return read_vocabulary(recipe.words)


@pytest.fixture(scope="module")
def catalogue(recipe: Recipe, vocabulary: Vocabulary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sample") / "catalogue"
    write_catalogue(out, recipe, vocabulary, lambda done, total: None)
    return out


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_files_have_the_challenges_names_and_columns(catalogue: Path) -> None:
    products = ["", "designation", "description", "productid", "imageid"]
    for name, columns, count in [
        ("X_train_update.csv", products, TRAIN),
        ("Y_train_CVw08PX.csv", ["", "prdtypecode"], TRAIN),
        ("X_test_update.csv", products, INCOMING),
        ("Y_test_oracle.csv", ["", "prdtypecode"], INCOMING),
    ]:
        assert list(rows(catalogue / name)[0]) == columns
        assert len(rows(catalogue / name)) == count
    assert (catalogue / "taxonomy.csv").read_bytes() == (DATA / "taxonomy.csv").read_bytes()


def test_codes_join_products_by_an_index_that_goes_on_into_the_second_file(catalogue: Path) -> None:
    indices = []
    for x, y in [("X_train_update.csv", "Y_train_CVw08PX.csv"), ("X_test_update.csv", "Y_test_oracle.csv")]:
        assert [row[""] for row in rows(catalogue / x)] == [row[""] for row in rows(catalogue / y)]
        indices += [row[""] for row in rows(catalogue / x)]
    assert indices == [str(i) for i in range(TRAIN + INCOMING)]


@pytest.mark.parametrize(("split", "x"), [("train", "X_train_update.csv"), ("test", "X_test_update.csv")])
def test_every_product_has_one_readable_photo_of_an_expected_size(catalogue: Path, split: str, x: str) -> None:
    folder = catalogue / "images" / f"image_{split}"
    names = {f"image_{row['imageid']}_product_{row['productid']}.jpg" for row in rows(catalogue / x)}
    assert {path.name for path in folder.iterdir()} == names
    for name in names:
        with Image.open(folder / name) as photo:
            photo.load()
            assert photo.format == "JPEG"
            assert photo.mode == "RGB"
            assert 224 <= min(photo.size) <= max(photo.size) <= 500


def test_both_files_hold_all_27_classes_of_the_taxonomy_and_no_other(catalogue: Path) -> None:
    taxonomy = {row["prdtypecode"] for row in rows(catalogue / "taxonomy.csv")}
    assert len(taxonomy) == 27
    for name in ("Y_train_CVw08PX.csv", "Y_test_oracle.csv"):
        assert {row["prdtypecode"] for row in rows(catalogue / name)} == taxonomy


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    catalogue: Path, recipe: Recipe, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    write_catalogue(tmp_path / "again", recipe, read_vocabulary(recipe.words), lambda done, total: None)
    assert digests(tmp_path / "again") == digests(catalogue)
    other = dataclasses.replace(recipe, seed=recipe.seed + 1)
    write_catalogue(tmp_path / "other", other, vocabulary, lambda done, total: None)
    assert not set(digests(tmp_path / "other").values()) & set(digests(catalogue).values()) - {
        hashlib.sha256((catalogue / "taxonomy.csv").read_bytes()).hexdigest()
    }


def test_ids_are_distinct_and_a_repeat_shares_only_text_and_photo(recipe: Recipe, vocabulary: Vocabulary) -> None:
    listings = plan(dataclasses.replace(recipe, train=600, repeats=0.2), vocabulary)
    assert len({listing.productid for listing in listings}) == len(listings)
    assert len({listing.imageid for listing in listings}) == len(listings)
    repeats = [listing for listing in listings if listing.repeats is not None]
    assert repeats
    assert all(listings[listing.repeats].code == listing.code for listing in repeats)
    assert all(listings[listing.repeats].repeats is None for listing in repeats)


def test_the_default_counts_have_the_shares_of_the_theme_files() -> None:
    recipe = read_recipe()
    vocabulary = read_vocabulary(recipe.words)
    codes = [listing.code for listing in plan(recipe, vocabulary)][: recipe.train]
    counts = {code: codes.count(code) for code in vocabulary.categories}
    assert max(counts, key=counts.__getitem__) == 2583
    assert min(counts.values()) / recipe.train >= 0.0195
    assert sum(category.share for category in vocabulary.categories.values()) == pytest.approx(100)


def test_a_catalogue_of_the_same_recipe_is_left_as_it_is(
    catalogue: Path, recipe: Recipe, vocabulary: Vocabulary
) -> None:
    before = digests(catalogue)
    assert write_catalogue(catalogue, recipe, vocabulary, lambda done, total: None)["written"] is False
    assert digests(catalogue) == before


def test_a_folder_with_something_else_in_it_is_refused(recipe: Recipe, vocabulary: Vocabulary, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("precious", encoding="utf-8")
    with pytest.raises(FolderTaken):
        write_catalogue(tmp_path, recipe, vocabulary, lambda done, total: None)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]


def test_what_a_killed_run_left_is_replaced(recipe: Recipe, vocabulary: Vocabulary, tmp_path: Path) -> None:
    (tmp_path / ".out.partial" / "images" / "image_train").mkdir(parents=True)
    (tmp_path / ".out.partial" / "images" / "image_train" / "half.jpg").write_bytes(b"half")
    small = dataclasses.replace(recipe, train=2, incoming=1)
    write_catalogue(tmp_path / "out", small, vocabulary, lambda done, total: None)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert len(list((tmp_path / "out" / "images").rglob("*.jpg"))) == 3


def test_the_command_ends_with_json_on_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path / "out"), "--seed", "7", "--train", "3", "--incoming", "2"]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (said["seed"], said["train"], said["incoming"], said["written"]) == (7, 3, 2, True)


def test_the_command_refuses_a_taken_folder_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.csv").write_text("precious", encoding="utf-8")
    assert main(["--out", str(tmp_path), "--train", "1", "--incoming", "0"]) == 2
    assert capsys.readouterr().err == f"{tmp_path} holds something else. Delete it or name another folder.\n"
