import os
from pathlib import Path

import numpy as np
import pytest

from core.store.segments import (
    IMAGE_SHAPE,
    IMAGES,
    PRODUCTS,
    CorruptSegment,
    SegmentDiffers,
    open_images,
    read_products,
    segment_folder,
    write_segment,
)
from tests.unit.core.store.store_samples import photos, row

ROWS = [row(1), row(2), row(3)]


def shaded(shade: int) -> np.ndarray:
    return np.full(IMAGE_SHAPE, shade, np.uint8)


def test_row_i_of_both_files_is_the_same_product(tmp_path: Path) -> None:
    segment = write_segment(tmp_path, "000001", ROWS, (shaded(number) for number in (1, 2, 3)))
    assert read_products(tmp_path, segment) == ROWS
    assert open_images(tmp_path, segment, rehash=True)[:, 0, 0, 0].tolist() == [1, 2, 3]


def test_the_tensors_are_a_plain_npy_file(tmp_path: Path) -> None:
    write_segment(tmp_path, "000001", ROWS, photos(ROWS))
    images = np.load(segment_folder(tmp_path, "000001") / IMAGES)
    assert (images.shape, images.dtype) == ((3, *IMAGE_SHAPE), np.uint8)


def test_writing_the_same_segment_again_changes_nothing(tmp_path: Path) -> None:
    once = write_segment(tmp_path, "000001", ROWS, photos(ROWS))
    before = (segment_folder(tmp_path, "000001") / PRODUCTS).stat()
    assert write_segment(tmp_path, "000001", ROWS, photos(ROWS)) == once
    after = (segment_folder(tmp_path, "000001") / PRODUCTS).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert [path.name for path in (tmp_path / "segments").iterdir()] == ["000001"]


def test_another_batch_under_the_same_name_is_refused(tmp_path: Path) -> None:
    once = write_segment(tmp_path, "000001", ROWS, photos(ROWS))
    with pytest.raises(SegmentDiffers, match="000001"):
        write_segment(tmp_path, "000001", ROWS, (shaded(1) for _ in ROWS))
    assert read_products(tmp_path, once) == ROWS
    open_images(tmp_path, once, rehash=True)


@pytest.mark.parametrize("count", [2, 4])
def test_a_tensor_too_few_or_too_many_publishes_nothing(tmp_path: Path, count: int) -> None:
    with pytest.raises(ValueError, match="one tensor a row"):
        write_segment(tmp_path, "000001", ROWS, (shaded(1) for _ in range(count)))
    assert list((tmp_path / "segments").iterdir()) == []


def test_a_tensor_of_another_type_publishes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Received: float64"):
        write_segment(tmp_path, "000001", ROWS[:1], [np.zeros(IMAGE_SHAPE)])
    assert list((tmp_path / "segments").iterdir()) == []


def test_a_failed_flush_leaves_no_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "segments").mkdir()

    def broken(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="Input/output"):
        write_segment(tmp_path, "000001", ROWS, photos(ROWS))
    assert list((tmp_path / "segments").iterdir()) == []


def test_a_flipped_bit_is_named_and_refused(tmp_path: Path) -> None:
    segment = write_segment(tmp_path, "000001", ROWS, photos(ROWS))
    flip_last_bit(segment_folder(tmp_path, "000001") / IMAGES)
    open_images(tmp_path, segment, rehash=False)
    with pytest.raises(CorruptSegment, match=r"000001/images\.npy"):
        open_images(tmp_path, segment, rehash=True)
    flip_last_bit(segment_folder(tmp_path, "000001") / PRODUCTS)
    with pytest.raises(CorruptSegment, match=r"000001/products\.csv"):
        read_products(tmp_path, segment)


def test_a_name_that_leads_out_of_the_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorruptSegment):
        segment_folder(tmp_path, "../000001")


def flip_last_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
