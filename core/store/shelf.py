"""Rows of the training store taken from the shelf one at a time: for showing them, not for training on them.

Who shows six rows of 85,000 has no use for a snapshot, which holds every text. Here a segment is read once, checked
against its sha256, and of it stay where each record begins and what a search asks of all rows; a text is read when it
is shown. Segments never change, so all of that stays right. What does change is which rows count, so every question
starts from the newest manifest: a row that it retracts is not there any more.
"""

import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.domain.splits import Split
from core.store import manifests
from core.store.manifests import Manifest
from core.store.rows import TrainingRow, decode_records
from core.store.segments import (
    PRODUCTS,
    CorruptSegment,
    Segment,
    open_images,
    products_bytes,
    segment_folder,
)

_RECORDS_AT_ONCE = 500  # texts of so many rows are in memory while a segment is read for the first time
_ADDRESS = re.compile(r"(\d{6,12}(?:-base)?)\.(\d{1,9})")


class RowAddress(NamedTuple):
    """Where a row stands: ``row`` (from 0) of the segment named ``segment``. It never changes."""

    segment: str
    row: int

    def __str__(self) -> str:
        return f"{self.segment}.{self.row}"

    @classmethod
    def parse(cls, text: str) -> "RowAddress | None":
        """Read what ``str`` returned; None for anything else."""
        found = _ADDRESS.fullmatch(text)
        return cls(found[1], int(found[2])) if found else None


@dataclass(frozen=True, slots=True)
class View:
    """What counts: the newest manifest as a search asks it.

    Attributes:
        manifest: the manifest.
        segments: of the manifest, by name, in order.
        dead: rows that it retracts.
    """

    manifest: Manifest
    segments: Mapping[str, Segment]
    dead: frozenset[RowAddress]

    @classmethod
    def of(cls, manifest: Manifest) -> "View":
        """Index a manifest."""
        dead = frozenset(RowAddress(stone.segment, stone.row) for stone in manifest.tombstones)
        return cls(manifest, {one.name: one for one in manifest.segments}, dead)

    def holds(self, address: RowAddress) -> bool:
        """Whether there is such a row and it counts."""
        segment = self.segments.get(address.segment)
        return segment is not None and 0 <= address.row < segment.rows and address not in self.dead


@dataclass(frozen=True, slots=True)
class Contents:
    """What stays in memory of a segment with n rows: 18 bytes a row.

    Attributes:
        starts: ``(n + 1,)`` int64, where each record of ``products.csv`` begins, and where the last one ends.
        codes: ``(n,)`` int64, prdtypecode.
        trained: ``(n,)`` bool, whether the row's split is ``train``.
        photographed: ``(n,)`` bool, whether it has a photo.
    """

    starts: NDArray[np.int64]
    codes: NDArray[np.int64]
    trained: NDArray[np.bool_]
    photographed: NDArray[np.bool_]


class Shelf:
    """The training store at ``training``, row by row. Threads may share it."""

    def __init__(self, training: Path) -> None:
        self._training = training
        self._known: tuple[View, tuple[int, int, int]] | None = None
        self._contents: dict[str, Contents] = {}  # by the sha256 of products.csv
        self._reading = threading.Lock()

    def view(self) -> View | None:
        """What counts now, None in an empty store. Two looks at the disk, unless there is a newer manifest.

        Raises:
            CorruptManifest: the newest manifest was changed after publication.
        """
        known = self._known
        if known is not None and self._is_newest(*known):
            return known[0]
        manifest = manifests.newest(self._training)
        if manifest is None:
            return None
        view = View.of(manifest)
        stamp = self._stamp(manifest.number)
        self._known = (view, stamp) if stamp else None
        return view

    def _is_newest(self, view: View, stamp: tuple[int, int, int]) -> bool:
        """Manifests are numbered without gaps: where the next one is missing, there is none. A backup may come back."""
        number = view.manifest.number
        return self._stamp(number + 1) is None and self._stamp(number) == stamp

    def _stamp(self, number: int) -> tuple[int, int, int] | None:
        try:
            found = manifests.manifest_path(self._training, number).stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def contents(self, segment: Segment) -> Contents:
        """What a search asks of all rows of a segment; the first call reads the whole file.

        Raises:
            CorruptSegment: ``products.csv`` is missing or was changed.
        """
        sha256 = segment.files[PRODUCTS].sha256
        with self._reading:  # once, however many ask at the same time
            if sha256 not in self._contents:
                self._contents[sha256] = _read_contents(products_bytes(self._training, segment), segment)
            return self._contents[sha256]

    def row(self, address: RowAddress) -> TrainingRow | None:
        """One row with its texts, whatever its split; None where it does not count, or there is none.

        Raises:
            CorruptSegment: its segment's products were changed.
        """
        view = self.view()
        if view is None or not view.holds(address):
            return None
        segment = view.segments[address.segment]
        begin, end = (int(at) for at in self.contents(segment).starts[address.row : address.row + 2])
        return decode_records(self._record(segment, begin, end), str(address))[0]

    def _record(self, segment: Segment, begin: int, end: int) -> bytes:
        path = segment_folder(self._training, segment.name) / PRODUCTS
        try:
            with path.open("rb") as file:
                sound = os.fstat(file.fileno()).st_size == segment.files[PRODUCTS].size
                data = os.pread(file.fileno(), end - begin, begin) if sound else b""
        except OSError as error:
            raise CorruptSegment(f"{path} cannot be read: {error.strerror}") from error
        if len(data) != end - begin:
            raise CorruptSegment(f"{path} is not the file its manifest names")
        return data

    def photo(self, address: RowAddress) -> NDArray[np.uint8] | None:
        """A row's photo as models see it, ``(224, 224, 3)`` uint8 RGB; zeros for a product without one.

        Returns:
            None where the row does not count, or there is none.

        Raises:
            CorruptSegment: the file is missing or has another size.
        """
        view = self.view()
        if view is None or not view.holds(address):
            return None
        return np.array(open_images(self._training, view.segments[address.segment], rehash=False)[address.row])


def record_starts(data: bytes) -> NDArray[np.int64]:
    """Where each record of a CSV file begins, its header too, and where the last one ends.

    A line end is inside a field where an odd number of quotes stands before it; a doubled quote counts twice.

    Args:
        data: RFC 4180 with LF after every record.

    Returns:
        ``(records + 1,)`` int64, ascending.
    """
    signs = np.frombuffer(data, np.uint8)
    quotes, ends = np.flatnonzero(signs == ord('"')), np.flatnonzero(signs == ord("\n"))
    outside = np.searchsorted(quotes, ends) % 2 == 0
    return np.concatenate([np.zeros(1, np.int64), ends[outside] + 1])


def _read_contents(data: bytes, segment: Segment) -> Contents:
    starts = record_starts(data)[1:]  # after the header
    if len(starts) != segment.rows + 1:
        raise CorruptSegment(f"{segment.name} has {len(starts) - 1} rows, its manifest says {segment.rows}")
    codes, trained, photographed = np.zeros(segment.rows, np.int64), *np.zeros((2, segment.rows), bool)
    for begin in range(0, segment.rows, _RECORDS_AT_ONCE):
        end = min(begin + _RECORDS_AT_ONCE, segment.rows)
        rows = decode_records(data[starts[begin] : starts[end]], segment.name)
        codes[begin:end] = [row.prdtypecode for row in rows]
        trained[begin:end] = [row.split == Split.TRAIN for row in rows]
        photographed[begin:end] = [bool(row.image_sha256) for row in rows]
    return Contents(starts, codes, trained, photographed)
