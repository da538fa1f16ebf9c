"""Taxonomy and splits: rules without a database."""

from pathlib import Path

import pytest

from core.domain.splits import FRESH_SHARE, HOLDOUT_SHARE, VALIDATION_SHARE, Split, split_of_base, split_of_validated
from core.domain.taxonomy import BadTaxonomy, Category, Taxonomy, UnknownCode

CLUSTERS = [f"cluster-{i}" for i in range(20_000)]


def taxonomy(*codes: int) -> Taxonomy:
    return Taxonomy([Category(code, f"label {code}", f"libellé {code}", "theme") for code in codes])


def test_codes_are_in_ascending_order_whatever_the_file_says() -> None:
    assert taxonomy(2905, 10, 40).codes == (10, 40, 2905)


def test_a_code_outside_the_taxonomy_is_refused_by_name() -> None:
    with pytest.raises(UnknownCode, match="11"):
        taxonomy(10).require(11)


def test_the_version_changes_with_a_label() -> None:
    renamed = Taxonomy([Category(10, "another label", "libellé 10", "theme")])
    assert renamed.version != taxonomy(10).version


def test_a_taxonomy_survives_its_own_csv(tmp_path: Path) -> None:
    file = tmp_path / "taxonomy.csv"
    file.write_text(taxonomy(10, 40).to_csv(), encoding="utf-8")
    assert Taxonomy.from_csv(file).version == taxonomy(10, 40).version


def test_a_file_without_french_labels_uses_the_english_ones(tmp_path: Path) -> None:
    file = tmp_path / "taxonomy.csv"
    file.write_text("prdtypecode,label,theme\n10,Books,Culture\n", encoding="utf-8")
    assert Taxonomy.from_csv(file).require(10).label_fr == "Books"


@pytest.mark.parametrize("text", ["", "code,label\n1,a\n", "prdtypecode,label,theme\nten,a,b\n"])
def test_a_file_that_is_no_taxonomy_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "taxonomy.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadTaxonomy):
        Taxonomy.from_csv(file)


def test_a_code_that_stands_twice_is_refused() -> None:
    with pytest.raises(BadTaxonomy):
        taxonomy(10, 10)


@pytest.mark.parametrize(("split", "share"), [(Split.HOLDOUT, HOLDOUT_SHARE), (Split.VALIDATION, VALIDATION_SHARE)])
def test_the_base_is_split_in_the_stated_shares(split: Split, share: float) -> None:
    drawn = sum(split_of_base(cluster) is split for cluster in CLUSTERS)
    assert drawn / len(CLUSTERS) == pytest.approx(share, abs=0.01)


def test_one_new_product_in_ten_is_kept_fresh_for_measuring() -> None:
    drawn = sum(split_of_validated(cluster, ()) is Split.FRESH for cluster in CLUSTERS)
    assert drawn / len(CLUSTERS) == pytest.approx(FRESH_SHARE, abs=0.01)


@pytest.mark.parametrize(
    ("joined", "expected"),
    [
        ({Split.HOLDOUT}, Split.FRESH),
        ({Split.FRESH}, Split.FRESH),
        ({Split.TRAIN}, Split.TRAIN),
        ({Split.VALIDATION}, Split.VALIDATION),
        ({Split.TRAIN, Split.VALIDATION}, Split.TRAIN),
        ({Split.TRAIN, Split.HOLDOUT}, Split.NONE),
        ({Split.VALIDATION, Split.FRESH}, Split.NONE),
        ({Split.NONE}, Split.NONE),
    ],
)
def test_a_copy_follows_its_cluster_and_never_straddles(joined: set[Split], expected: Split) -> None:
    assert all(split_of_validated(cluster, joined) is expected for cluster in CLUSTERS[:50])
