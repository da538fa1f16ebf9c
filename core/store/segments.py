"""Segments: immutable folders of ``products.csv`` and ``images.npy`` whose row *i* is the same product."""

import errno
import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from core import failpoints
from core.durable import flush, make_folder
from core.errors import Conflict, Unavailable
from core.store.durable import aside_folder, sweep
from core.store.rows import TrainingRow, decode_rows, encode_rows

PRODUCTS = "products.csv"
IMAGES = "images.npy"
BASE_SEGMENT = "000000-base"
IMAGE_SHAPE = (224, 224, 3)
"""One product's photo: uint8, RGB, 0..255."""

_NAME = re.compile(r"\d{6,}(-base)?")


class SegmentDiffers(Conflict):
    """A segment of this name is already there with other content; segments never change."""

    code = "store.segment_differs"


class CorruptSegment(Unavailable):
    """A segment's file is missing or is not the one its manifest names. It is neither trained on nor mended."""

    code = "store.corrupt_segment"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of a segment: ``sha256`` of its bytes, ``size`` in bytes, ``rows`` it holds."""

    sha256: str
    size: int
    rows: int


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment as a manifest names it: its folder's ``name``, its ``rows``, its ``files`` by name."""

    name: str
    rows: int
    files: Mapping[str, StoredFile]


def segment_name(number: int) -> str:
    """The folder name of a numbered segment (1 and up)."""
    return f"{number:06d}"


def segment_folder(training: Path, name: str) -> Path:
    """Where a segment lies below the training store.

    Raises:
        CorruptSegment: ``name`` is no segment's name, so a manifest that holds it was tampered with.
    """
    if not _NAME.fullmatch(name):
        raise CorruptSegment(f"a segment is named by its number. Received: {name!r}")
    return training / "segments" / name


def write_segment(
    training: Path, name: str, rows: Sequence[TrainingRow], tensors: Iterable[NDArray[np.uint8]]
) -> Segment:
    """Write one segment durably and return what a manifest says of it.

    Writing the same segment again (after a crash, or beside another process) changes nothing.

    Args:
        training: root of the training store.
        name: folder name, ``segment_name(n)`` or ``BASE_SEGMENT``.
        rows: the products, in their final order.
        tensors: one ``(224, 224, 3)`` uint8 RGB photo per row, in the same order; zeros where there is none.
            Consumed one at a time, so memory does not grow with the batch.

    Raises:
        SegmentDiffers: the segment exists with other bytes.
        ValueError: a tensor has another shape or type, or there are more or fewer tensors than rows.
    """
    target = segment_folder(training, name)
    make_folder(target.parent)
    sweep(target.parent)
    with aside_folder(target) as aside:
        failpoints.reach("segment.begun")
        products = _write_products(aside / PRODUCTS, rows)
        failpoints.reach("segment.products")
        images = _write_images(aside / IMAGES, len(rows), tensors)
        failpoints.reach("segment.images")
        flush(aside)
        segment = Segment(name, len(rows), {PRODUCTS: products, IMAGES: images})
        failpoints.reach("segment.written")
        _give_name(aside, target, segment)
        failpoints.reach("segment.visible")
    flush(target.parent)
    failpoints.reach("segment.durable")
    return segment


def _give_name(aside: Path, target: Path, segment: Segment) -> None:
    try:
        aside.rename(target)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise
        _confirm_same(target, segment)


def _confirm_same(folder: Path, segment: Segment) -> None:
    for name, file in segment.files.items():
        path = folder / name
        if not path.is_file() or _sha256_of(path) != file.sha256:
            raise SegmentDiffers(
                f"{path} is already there with other content than this batch; "
                "no manifest may name both, so nothing was published"
            )
        flush(path)
    flush(folder)


class _HashedFile:
    """A file being written, its sha256 growing beside it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, data: bytes | memoryview) -> None:
        self._file.write(data)
        self._digest.update(data)
        self._size += len(data)

    def tear(self, data: bytes | memoryview) -> None:
        """Write half of ``data``, for a fault test whose process ends here."""
        self._file.write(data[: len(data) // 2])
        self._file.flush()

    def finish(self, rows: int) -> StoredFile:
        self._file.flush()
        os.fsync(self._file.fileno())
        return StoredFile(self._digest.hexdigest(), self._size, rows)


def _write_products(path: Path, rows: Sequence[TrainingRow]) -> StoredFile:
    with path.open("xb") as raw:
        file = _HashedFile(raw)
        for line in encode_rows(rows):
            failpoints.reach("segment.line", tear=partial(file.tear, line))
            file.write(line)
        return file.finish(len(rows))


def _write_images(path: Path, count: int, tensors: Iterable[NDArray[np.uint8]]) -> StoredFile:
    with path.open("xb") as raw:
        file = _HashedFile(raw)
        header = {"descr": "|u1", "fortran_order": False, "shape": (count, *IMAGE_SHAPE)}
        np.lib.format.write_array_header_1_0(file, header)
        written = 0
        for tensor in tensors:
            if tensor.shape != IMAGE_SHAPE or tensor.dtype != np.uint8:
                raise ValueError(f"expected uint8 {IMAGE_SHAPE}. Received: {tensor.dtype} {tensor.shape}")
            pixels = np.ascontiguousarray(tensor).data.cast("B")
            failpoints.reach("segment.tensor", tear=partial(file.tear, pixels))
            file.write(pixels)
            written += 1
            failpoints.reach("segment.row")
        if written != count:
            raise ValueError(f"expected one tensor a row, {count}. Received: {written}")
        return file.finish(count)


def read_products(training: Path, segment: Segment) -> list[TrainingRow]:
    """All rows of a segment in order, checked against the manifest's sha256.

    Raises:
        CorruptSegment: the file is missing, changed, or has another number of rows.
    """
    path = segment_folder(training, segment.name) / PRODUCTS
    rows = decode_rows(products_bytes(training, segment), str(path))
    if len(rows) != segment.rows:
        raise CorruptSegment(f"{path} has {len(rows)} rows, its manifest says {segment.rows}")
    return rows


def products_bytes(training: Path, segment: Segment) -> bytes:
    """A segment's ``products.csv``, checked against the manifest's sha256.

    Raises:
        CorruptSegment: the file is missing or changed.
    """
    path = segment_folder(training, segment.name) / PRODUCTS
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CorruptSegment(f"{path} cannot be read: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != segment.files[PRODUCTS].sha256:
        raise CorruptSegment(f"{path} does not have the sha256 its manifest names")
    return data


def open_images(training: Path, segment: Segment, *, rehash: bool) -> NDArray[np.uint8]:
    """A segment's photos as a read-only memory map, ``(rows, 224, 224, 3)`` uint8 RGB.

    Args:
        training: root of the training store.
        segment: the segment as its manifest names it.
        rehash: read the whole file and compare its sha256; otherwise its size and header are compared.

    Raises:
        CorruptSegment: the file is missing, changed, or has another shape.
    """
    path = segment_folder(training, segment.name) / IMAGES
    known = segment.files[IMAGES]
    try:
        sound = path.stat().st_size == known.size and (not rehash or _sha256_of(path) == known.sha256)
        images = np.load(path, mmap_mode="r", allow_pickle=False) if sound else None
    except (OSError, ValueError) as error:
        raise CorruptSegment(f"{path} cannot be read: {error}") from error
    if images is None or images.shape != (segment.rows, *IMAGE_SHAPE) or images.dtype != np.uint8:
        raise CorruptSegment(f"{path} is not the file its manifest names")
    return images


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
