from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.clusters import (
    Placement,
    cluster_name,
    fingerprint,
    group_copies,
    lookup_key,
    place_validated,
    straddling,
)
from core.domain.splits import LEARNT, MEASURED, Split, split_of_base

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


def test_near_fingerprints_join_their_products_and_chains_of_them() -> None:
    clusters = group_copies([["t:1"], ["t:2"], ["t:3"], ["t:4"]], [("t:1", "t:2"), ("t:3", "t:2")])
    assert clusters[0] == clusters[1] == clusters[2] == cluster_name(["t:1"])
    assert clusters[3] == cluster_name(["t:4"])


MARKS = st.sampled_from([f"m:{number}" for number in range(12)])
PAIRS = st.lists(st.tuples(MARKS, MARKS), max_size=10)
PRODUCTS = st.lists(st.sets(MARKS, min_size=1, max_size=2).map(sorted), min_size=1, max_size=12)


@given(PRODUCTS, PAIRS, st.randoms(use_true_random=False))
def test_clusters_and_splits_of_a_base_do_not_depend_on_any_order(
    products: list[list[str]], near: list[tuple[str, str]], dice: Random
) -> None:
    order = dice.sample(range(len(products)), len(products))
    turned = [(b, a) for a, b in dice.sample(near, len(near))]
    names = dict(zip(order, group_copies([products[at][::-1] for at in order], turned), strict=True))
    assert [names[at] for at in range(len(products))] == group_copies(products, near)


@given(PRODUCTS, PRODUCTS, PAIRS)
def test_no_two_copies_ever_stand_on_both_sides_whatever_arrives_in_which_order(
    base: list[list[str]], arriving: list[list[str]], near: list[tuple[str, str]]
) -> None:
    places = [Placement(name, split_of_base(name)) for name in group_copies(base, near)]
    known: dict[str, list[Placement]] = {}
    for marks, place in zip(base, places, strict=True):
        for mark in marks:
            known.setdefault(mark, []).append(place)
    for marks in arriving:
        place = place_validated(marks, known, near=neighbours(marks, near))
        places.append(place)
        for mark in marks:
            known.setdefault(mark, []).append(place)
    products = [*base, *arriving]
    for one, marks in enumerate(products):
        for other, others in enumerate(products):
            if {*others} & {*marks, *neighbours(marks, near)}:
                assert not (places[one].split in LEARNT and places[other].split in MEASURED)
    assert straddling((place.cluster, place.split.value) for place in places) == []


def neighbours(marks: list[str], near: list[tuple[str, str]]) -> set[str]:
    return {b for pair in near for a, b in (pair, pair[::-1]) if a in marks}


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


def test_a_product_near_a_holdout_product_joins_its_cluster_as_fresh() -> None:
    assert place_validated(["t:1"], {"t:9": [HOLDOUT]}, near=["t:9"]) == Placement("h", Split.FRESH)


def test_a_copy_of_training_and_validation_is_learnt_in_the_training_cluster() -> None:
    known = {"t:1": [Placement("a", Split.VALIDATION)], "i:1": [Placement("b", Split.TRAIN)]}
    assert place_validated(["t:1", "i:1"], known) == Placement("b", Split.TRAIN)


def test_a_copy_of_two_training_clusters_joins_the_first_by_name() -> None:
    known = {"t:1": [Placement("b", Split.TRAIN)], "i:1": [TRAIN]}
    assert place_validated(["t:1", "i:1"], known) == TRAIN


@pytest.mark.parametrize("content", ["", "x" * 100_000, "é\x00"])
def test_a_fingerprint_fits_its_column(content: str) -> None:
    assert len(fingerprint("t", content)) <= 80


def test_a_cluster_on_both_sides_is_named() -> None:
    rows = [("a", "train"), ("a", "validation"), ("b", "holdout"), ("b", "fresh"), ("c", "none"), ("c", "fresh")]
    assert straddling(rows) == []
    assert straddling([*rows, ("b", "validation"), ("a", "fresh")]) == ["a", "b"]


def test_a_lookup_key_fits_a_signed_column() -> None:
    keys = {lookup_key("photo-1", str(number)) for number in range(1000)}
    assert len(keys) == 1000
    assert all(0 <= key < 2**63 for key in keys)
