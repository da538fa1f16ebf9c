"""Neighbours on toys: the right rows, their exact likeness, and none that was taken away."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.store.manifests import Manifest, Tombstone
from core.store.segments import Segment
from core.store.shelf import RowAddress, View
from inference.neighbours import Index, Neighbour, Piece, Space, reduce_rows

WIDTH = 300
ROWS = 900
RANDOM = np.random.default_rng(11)
CROWDS = RANDOM.standard_normal((9, WIDTH)) * 2.0
"""What rows of each code have in common."""
SAME_FOR_ALL = 5.0
"""Features of one encoder all point the same way."""


def features_of(codes: NDArray[np.int64], seed: int) -> NDArray[np.float16]:
    noise = np.random.default_rng(seed).standard_normal((len(codes), WIDTH))
    return (SAME_FOR_ALL + CROWDS[codes] + noise).astype(np.float16)


def piece_of(
    folder: Path, name: str, features: Mapping[str, NDArray[np.float16]], codes: NDArray[np.int64], spaces: dict
) -> Piece:
    """A segment all of whose rows may be shown, its features written where the cache keeps them."""
    places, files, vectors = np.arange(len(codes)), {}, {}
    for feature, stored in features.items():
        files[feature] = folder / f"{feature}-{name}.npy"
        np.save(files[feature], stored)
        space = spaces.setdefault(feature, Space.around(stored, places))
        vectors[feature] = np.concatenate(list(reduce_rows(space, stored, places)))
    return Piece(name, len(codes), places, codes, np.ones(len(codes), bool), vectors, files)


def view_of(pieces: Mapping[str, Piece], *dead: RowAddress) -> View:
    segments = tuple(Segment(name, piece.length, {}) for name, piece in pieces.items())
    return View.of(Manifest(1, None, segments, tuple(Tombstone(*one) for one in dead), "t"))


CODES = np.arange(ROWS) % 9


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """Two segments, text features alone."""
    stored, spaces = features_of(CODES, 1), {}
    cut = 600
    parts = {"000000-base": slice(0, cut), "000001": slice(cut, ROWS)}
    pieces = {
        name: piece_of(tmp_path, name, {"text": stored[part]}, CODES[part], spaces) for name, part in parts.items()
    }
    return Index({"text": "sha"}, 1, pieces, spaces)


def asked(code: int, seed: int = 7) -> dict[str, NDArray[np.float16]]:
    return {"text": features_of(np.array([code]), seed)}


def nearest(index: Index, question: Mapping[str, NDArray[np.float16]], count: int = 40, *dead: RowAddress) -> list:
    return index.nearest(question, count, view_of(index.pieces, *dead))


def test_the_nearest_rows_are_of_the_product_s_own_kind(index: Index) -> None:
    assert {one.prdtypecode for one in nearest(index, asked(4))[:6]} == {4}


def test_the_likeness_is_exact_though_the_search_is_not(index: Index) -> None:
    stored, question = features_of(CODES, 1).astype(np.float64), asked(2)["text"].astype(np.float64)[0]
    centre = stored[:600].mean(axis=0)
    for one in nearest(index, asked(2))[:6]:
        row = stored[one.address.row + (600 if one.address.segment == "000001" else 0)] - centre
        own = question - centre
        cosine = row @ own / np.linalg.norm(row) / np.linalg.norm(own)
        assert one.text == pytest.approx(cosine, abs=2e-3)


def test_few_of_the_true_nearest_are_missed(index: Index) -> None:
    stored = features_of(CODES, 1).astype(np.float32)
    whole = index.spaces["text"].centred(stored.astype(np.float16))
    found = 0
    for code in range(9):
        question = asked(code, seed=100 + code)
        truth = set(np.argsort(-(whole @ index.spaces["text"].centred(question["text"])[0]))[:6].tolist())
        got = nearest(index, question, 48)[:6]
        found += len(truth & {one.address.row + (600 if one.address.segment == "000001" else 0) for one in got})
    assert found >= 0.6 * 9 * 6  # of rows that differ by noise alone; what looks alike is never far


def test_a_copy_of_a_row_is_found_first(index: Index) -> None:
    copy = {"text": features_of(CODES, 1)[700:701]}
    first: Neighbour = nearest(index, copy)[0]
    assert (first.address, first.image) == (RowAddress("000001", 100), None)
    assert first.similarity == pytest.approx(1.0, abs=1e-3)


def test_a_row_retracted_since_is_left_out(index: Index) -> None:
    copy, dead = {"text": features_of(CODES, 1)[5:6]}, RowAddress("000000-base", 5)
    assert nearest(index, copy)[0].address == dead
    assert dead not in {one.address for one in nearest(index, copy, 40, dead)}


def test_what_all_rows_have_in_common_makes_none_alike(index: Index) -> None:
    stranger = {"text": (SAME_FOR_ALL + np.random.default_rng(3).standard_normal((1, WIDTH)) * 3).astype(np.float16)}
    assert nearest(index, stranger)[0].similarity < 0.4


def test_asking_for_more_rows_than_there_are_gives_all(index: Index) -> None:
    assert len(nearest(index, asked(1), 5000)) == ROWS


def test_both_halves_count_the_same_and_a_missing_one_counts_nothing(tmp_path: Path) -> None:
    texts, photos = features_of(CODES[:20], 1), features_of(CODES[:20], 2)
    photos[3] = 0  # it has no photo
    spaces: dict[str, Space] = {}
    pieces = {"000001": piece_of(tmp_path, "000001", {"text": texts, "image": photos}, CODES[:20], spaces)}
    found = Index({}, 1, pieces, spaces).nearest({"text": texts[3:4], "image": photos[4:5]}, 20, view_of(pieces))
    by_row = {one.address.row: one for one in found}
    assert by_row[3].image is None
    assert by_row[3].similarity == pytest.approx(0.5, abs=1e-3)
    assert by_row[4].image == pytest.approx(1.0, abs=1e-3)
    both = by_row[4]
    assert both.similarity == pytest.approx((both.text + both.image) / 2)


def test_rows_whose_features_were_removed_since_are_left_out(index: Index) -> None:
    for path in index.pieces["000001"].files.values():
        path.unlink()
    found = nearest(index, asked(1))
    assert {one.address.segment for one in found} == {"000000-base"}


def test_without_features_nothing_is_near(index: Index) -> None:
    assert nearest(index, {}) == []
    assert nearest(index, {"image": np.ones((1, 5), np.float16)}) == []
    assert Index({}, 1, {}, {}).nearest(asked(1), 6, view_of({})) == []


def test_rows_that_cannot_be_compared_are_not_counted_as_searched(index: Index) -> None:
    bare = Piece("000002", 4, np.arange(4), np.arange(4), np.zeros(4, bool), {}, {})
    more = Index(index.encoders, 2, {**index.pieces, "000002": bare}, index.spaces)
    assert (more.searched(["text"]), more.searched(["image"]), more.rows) == (ROWS, 0, ROWS + 4)


def test_typical_rows_are_of_the_category_and_near_its_middle(index: Index) -> None:
    typical = index.typical(3, 10)
    places = [one.row + (600 if one.segment == "000001" else 0) for one in typical]
    assert {int(CODES[place]) for place in places} == {3}
    whole = index.spaces["text"].centred(features_of(CODES, 1))
    middle = whole[CODES == 3].mean(axis=0)
    assert (whole[places] @ middle).mean() > (whole[CODES == 3] @ middle).mean()
    assert index.typical(3, 10) == typical


def test_photographed_rows_are_the_first_examples(tmp_path: Path) -> None:
    photographed = np.array([False, True, False, True])
    piece = Piece("000001", 4, np.arange(4), np.full(4, 10), photographed, {}, {})
    assert [one.row for one in Index({}, 1, {"000001": piece}, {}).typical(10, 6)] == [1, 3, 0, 2]


def test_rows_without_a_half_have_no_say_in_its_centre() -> None:
    rows = np.array([[2, 0], [4, 0], [0, 0]], np.float16)
    space = Space.around(rows, np.arange(3))
    assert space is not None
    assert space.centre.tolist() == [3, 0]
    assert not space.reduced(rows)[2].any()
    assert Space.around(np.zeros((3, 2), np.float16), np.arange(3)) is None
