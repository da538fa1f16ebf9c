from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.clusters import Placement, cluster_name, fingerprint, group_copies, place_validated
from core.domain.splits import Split

TRAIN, HOLDOUT = Placement("a", Split.TRAIN), Placement("h", Split.HOLDOUT)


def test_copies_of_copies_share_a_cluster() -> None:
    clusters = group_copies([["t:1", "i:1"], ["t:2", "i:2"], ["t:3", "i:3"], ["t:1", "i:2"]])
    assert clusters[0] == clusters[1] == clusters[3] != clusters[2]


def test_the_order_of_products_does_not_name_the_cluster() -> None:
    products = [("t:1", "i:1"), ("i:1", "t:2"), ("t:2", "i:3")]
    assert {name for order in permutations(products) for name in group_copies(order)} == {cluster_name(["i:1"])}


@given(st.lists(st.sets(st.sampled_from("abcdefgh"), min_size=1, max_size=3), max_size=12))
def test_products_share_a_cluster_exactly_when_a_chain_of_copies_joins_them(products: list[set[str]]) -> None:
    clusters = group_copies(products)
    groups: list[set[str]] = []
    for marks in products:
        touching = [group for group in groups if group & marks]
        groups = [group for group in groups if not group & marks] + [marks.union(*touching)]
    for marks, cluster in zip(products, clusters, strict=True):
        assert cluster == cluster_name(next(group for group in groups if marks <= group))


def test_a_product_that_copies_nothing_gets_a_cluster_of_its_own() -> None:
    place = place_validated(["t:1", "i:1"], {"t:9": [TRAIN]})
    assert place.cluster == cluster_name(["i:1"])
    assert place.split in {Split.TRAIN, Split.FRESH}


def test_a_copy_of_a_holdout_product_joins_its_cluster_as_fresh() -> None:
    assert place_validated(["t:1", "i:1"], {"t:1": [HOLDOUT]}) == Placement("h", Split.FRESH)


def test_a_copy_of_both_sides_is_kept_apart_from_both() -> None:
    place = place_validated(["t:1", "i:1"], {"t:1": [TRAIN], "i:1": [HOLDOUT]})
    assert place.split is Split.NONE
    assert place.cluster not in {"a", "h", cluster_name(["t:1", "i:1"])}


def test_a_copy_of_two_training_clusters_joins_the_first_by_name() -> None:
    known = {"t:1": [Placement("b", Split.TRAIN)], "i:1": [TRAIN]}
    assert place_validated(["t:1", "i:1"], known) == TRAIN


@pytest.mark.parametrize("content", ["", "x" * 100_000, "é\x00"])
def test_a_fingerprint_fits_its_column(content: str) -> None:
    assert len(fingerprint("t", content)) <= 80
