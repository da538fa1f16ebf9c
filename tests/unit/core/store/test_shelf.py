"""Rows from the shelf: each is the one that was put there, none that was taken away, none from a changed file."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.store import shelf as shelf_module
from core.store.manifests import Tombstone, publish_batch
from core.store.rows import TrainingRow, encode_rows
from core.store.segments import BASE_SEGMENT, IMAGE_SHAPE, PRODUCTS, CorruptSegment, segment_name, write_segment
from core.store.shelf import RowAddress, Shelf, record_starts
from tests.unit.core.store.store_samples import append, row, store

HARD = ('a "quoted" word', "two\nlines", 'ends with "', "\r\n", '""', "a, b", "été €", "")


@pytest.fixture
def training(tmp_path: Path) -> Path:
    return store(tmp_path)


def every_row(training: Path, shelf: Shelf) -> list[TrainingRow | None]:
    view = shelf.view()
    assert view is not None
    return [shelf.row(RowAddress(one.name, at)) for one in view.segments.values() for at in range(one.rows)]


def test_every_row_is_found_where_it_stands(training: Path) -> None:
    found = every_row(training, Shelf(training))
    assert found == [row(1), row(2), row(3), row(4, validated=True), row(5, validated=True)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(HARD), st.text(max_size=12)), max_size=6))
def test_records_are_told_apart_whatever_their_texts_hold(texts: Sequence[tuple[str, str]]) -> None:
    rows = [replace(row(1), designation=title, description=text) for title, text in texts]
    lines = list(encode_rows(rows))
    starts = record_starts(b"".join(lines))
    assert starts.tolist() == np.cumsum([0, *(len(line) for line in lines)]).tolist()


def test_more_rows_than_are_read_at_once_keep_their_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf_module, "_RECORDS_AT_ONCE", 2)
    segment = append(tmp_path, BASE_SEGMENT, [row(at, code=10 * at) for at in range(5)])
    contents = Shelf(tmp_path).contents(segment)
    assert contents.codes.tolist() == [0, 10, 20, 30, 40]
    assert contents.trained.all()
    assert not contents.photographed.any()


def test_only_the_train_split_is_marked_as_trained(tmp_path: Path) -> None:
    splits = ("train", "validation", "holdout", "fresh", "none")
    segment = append(tmp_path, BASE_SEGMENT, [replace(row(at), split=split) for at, split in enumerate(splits)])
    assert Shelf(tmp_path).contents(segment).trained.tolist() == [True, False, False, False, False]


def test_a_retracted_row_is_gone_with_the_manifest_that_retracts_it(training: Path) -> None:
    shelf, address = Shelf(training), RowAddress(BASE_SEGMENT, 1)
    assert shelf.row(address) == row(2)
    publish_batch(training, None, [Tombstone(*address)], taxonomy_version="t1")
    assert shelf.row(address) is None
    assert shelf.photo(address) is None
    assert shelf.row(RowAddress(BASE_SEGMENT, 2)) == row(3)


def test_rows_of_a_new_batch_are_there_at_once(training: Path) -> None:
    shelf = Shelf(training)
    assert shelf.row(RowAddress(segment_name(2), 0)) is None
    append(training, segment_name(2), [row(6)])
    assert shelf.row(RowAddress(segment_name(2), 0)) == row(6)


@pytest.mark.parametrize("address", [RowAddress(BASE_SEGMENT, 3), RowAddress("000009", 0), RowAddress("../..", 0)])
def test_a_row_that_never_was_is_none(training: Path, address: RowAddress) -> None:
    assert Shelf(training).row(address) is None


def test_an_empty_store_has_no_rows(tmp_path: Path) -> None:
    assert Shelf(tmp_path).view() is None
    assert Shelf(tmp_path).row(RowAddress(BASE_SEGMENT, 0)) is None


def test_a_changed_file_is_not_shown(training: Path) -> None:
    path = training / "segments" / BASE_SEGMENT / PRODUCTS
    path.write_bytes(path.read_bytes().replace(b"title 2", b"title X"))
    with pytest.raises(CorruptSegment, match="sha256"):
        Shelf(training).row(RowAddress(BASE_SEGMENT, 1))


def test_a_file_that_is_cut_short_later_is_not_shown(training: Path) -> None:
    shelf = Shelf(training)
    assert shelf.row(RowAddress(BASE_SEGMENT, 1)) == row(2)
    path = training / "segments" / BASE_SEGMENT / PRODUCTS
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(CorruptSegment, match="not the file"):
        shelf.row(RowAddress(BASE_SEGMENT, 1))


def test_a_photo_is_the_row_s_own(tmp_path: Path) -> None:
    rows = [row(at) for at in range(3)]
    tensors = [np.full(IMAGE_SHAPE, 20 * at, np.uint8) for at in range(3)]
    segment = write_segment(tmp_path, BASE_SEGMENT, rows, tensors)
    publish_batch(tmp_path, segment, (), taxonomy_version="t1")
    photo = Shelf(tmp_path).photo(RowAddress(BASE_SEGMENT, 2))
    assert photo is not None
    assert (photo == 40).all()


@pytest.mark.parametrize("text", ["000000-base.17", "000001.0"])
def test_an_address_is_written_as_it_is_read(text: str) -> None:
    assert str(RowAddress.parse(text)) == text


@pytest.mark.parametrize("text", ["", "17", "000001", "000001.-1", "../x.1", "000001.1\n", "1.1", "000000-base.1e3"])
def test_what_is_no_address_is_none(text: str) -> None:
    assert RowAddress.parse(text) is None
