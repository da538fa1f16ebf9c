"""A snapshot: the rows that count in one manifest, as a training run sees them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.store import manifests
from core.store.manifests import Manifest, NoManifest
from core.store.rows import TrainingRow
from core.store.segments import Segment, open_images, read_products


class Snapshot:
    """The live rows of one manifest. Two snapshots of the same manifest are equal in every byte.

    Attributes:
        manifest: what the snapshot was taken of (``number``, ``sha256``, ``taxonomy_version``).
        rows: live rows, segment by segment, in the order they were published.
        addresses: ``(segment name, row in that segment)`` of each live row, aligned with ``rows``.
    """

    def __init__(self, training: Path, manifest: Manifest) -> None:
        self.manifest = manifest
        self._training = training
        self._by_segment = {one.name: read_products(training, one) for one in manifest.segments}
        dead = {(stone.segment, stone.row) for stone in manifest.tombstones}
        self.addresses: list[tuple[str, int]] = [
            (name, index)
            for name, rows in self._by_segment.items()
            for index in range(len(rows))
            if (name, index) not in dead
        ]
        self.rows: list[TrainingRow] = [self._by_segment[name][index] for name, index in self.addresses]
        self._images: dict[str, NDArray[np.uint8]] = {}

    @classmethod
    def open(cls, training: Path, number: int | None = None) -> "Snapshot":
        """Read manifest ``number`` (None: the newest) of the training store at ``training``.

        Raises:
            NoManifest: the store is empty or has no manifest of this number.
            CorruptManifest: the manifest was changed after publication.
            CorruptSegment: a products file is missing or was changed.
        """
        manifest = manifests.newest(training) if number is None else manifests.read(training, number)
        if manifest is None:
            raise NoManifest(f"the training store {training} is empty: import a catalogue first")
        return cls(training, manifest)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Name, number of rows (tombstoned ones included) and files of each segment, in order."""
        return self.manifest.segments

    def segment_rows(self, name: str) -> list[TrainingRow]:
        """All rows of a segment, tombstoned ones included: aligned with ``images(name)``."""
        return self._by_segment[name]

    def images(self, name: str) -> NDArray[np.uint8]:
        """A segment's photos, ``(rows of the segment, 224, 224, 3)`` uint8 RGB, as a read-only memory map.

        The first call reads the whole file to compare its sha256. Products without a photo are zeros.

        Raises:
            CorruptSegment: the file is missing or was changed.
        """
        if name not in self._images:
            segment = next(one for one in self.manifest.segments if one.name == name)
            self._images[name] = open_images(self._training, segment, rehash=True)
        return self._images[name]
