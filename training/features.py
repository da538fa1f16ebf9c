"""Features of every training row, computed once per encoder and segment and kept on the disk.

Where the files lie stands in ``inference.feature_cache``. All of it can be thrown away and is then computed again.
"""

import io
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import failpoints
from core.durable import make_folder, write_durably
from core.store.rows import TrainingRow
from core.store.segments import Segment
from core.store.snapshot import Snapshot
from inference.family import FEATURES, TEXT, Encoder
from inference.feature_cache import file_name, load
from preprocessing.text import compose

log = logging.getLogger(__name__)

BATCH = 64
"""Rows handed to an encoder at a time."""
BLOCK = 2048
"""Rows after which a long segment's features are put on the disk: what a killed job loses at most."""

Progress = Callable[[str, str, int, int], None]
"""Told ``(what, segment, rows done, rows in all)`` after every batch."""


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """What the experts see of a snapshot's rows, in their order: all of them, or those that were asked for.

    Attributes:
        arrays: by feature, ``(n, width)`` float16. A row without the half that is read is zero there.
        texts: cleaned and composed text of each row, "" where there is none.
        has_text: (n,) bool.
        has_image: (n,) bool.
        embedded_rows: rows that were not in the cache, counted once per kind of feature.
    """

    arrays: dict[str, NDArray[np.float16]]
    texts: tuple[str, ...]
    has_text: NDArray[np.bool_]
    has_image: NDArray[np.bool_]
    embedded_rows: int


def log_progress(what: str, segment: str, done: int, total: int) -> None:
    """Report a batch as a log line on standard error."""
    log.info("features.embedded", extra={"features": what, "segment": segment, "rows": done, "of": total})


def composed(rows: Sequence[TrainingRow]) -> list[str]:
    """The one text that models read of each row."""
    return [compose(row.designation, row.description) for row in rows]


def features_of(
    snapshot: Snapshot,
    *,
    encoders: Mapping[str, Encoder],
    cache_root: Path,
    rows: Sequence[int] | None = None,
    progress: Progress = log_progress,
) -> FeatureSet:
    """Features of live rows of ``snapshot``; segments that are not in the cache are embedded, whole.

    Args:
        snapshot: the rows.
        encoders: by the feature they compute (``inference.family.FEATURES``).
        cache_root: the cache's folder.
        rows: positions in ``snapshot.rows``, ascending; None is all of them. The cache is filled all the same.
        progress: told after every batch.

    Raises:
        CorruptSegment: photos that have to be embedded are not those of the manifest.
    """
    chosen = range(len(snapshot.rows)) if rows is None else rows
    cache = _Cache(snapshot, chosen, cache_root, progress)
    arrays = {
        feature: cache.gather(feature, encoder, _open_texts if FEATURES[feature] is TEXT else _open_photos)
        for feature, encoder in encoders.items()
    }
    asked = [snapshot.rows[row] for row in chosen]
    texts = tuple(composed(asked))
    return FeatureSet(
        arrays=arrays,
        texts=texts,
        has_text=np.array([bool(one) for one in texts], dtype=bool),
        has_image=np.array([bool(row.image_sha256) for row in asked], dtype=bool),
        embedded_rows=cache.embedded,
    )


Read = Callable[[NDArray[np.intp]], Any]


Opened = tuple[NDArray[np.bool_], Read]
"""Which rows of a segment have any input, ``(rows,)`` bool, and a reader of some of those."""


def _open_texts(snapshot: Snapshot, segment: Segment) -> Opened:
    texts = composed(snapshot.segment_rows(segment.name))
    return np.array([bool(text) for text in texts], bool), lambda chosen: [texts[row] for row in chosen]


def _open_photos(snapshot: Snapshot, segment: Segment) -> Opened:
    photos = snapshot.images(segment.name)  # hashes the whole file once
    present = [bool(row.image_sha256) for row in snapshot.segment_rows(segment.name)]
    return np.array(present, bool), lambda chosen: photos[chosen]


@dataclass(frozen=True, slots=True)
class _Job:
    """One segment to embed by one encoder into one file."""

    what: str
    encoder: Encoder
    segment: Segment
    path: Path


class _Cache:
    def __init__(self, snapshot: Snapshot, rows: Sequence[int], root: Path, progress: Progress) -> None:
        self._snapshot = snapshot
        self._asked: dict[str, list[int]] = {segment.name: [] for segment in snapshot.segments}
        for row in rows:
            name, place = snapshot.addresses[row]
            self._asked[name].append(place)
        self._root = root
        self._progress = progress
        self.embedded = 0

    def gather(
        self, what: str, encoder: Encoder, open_input: Callable[[Snapshot, Segment], Opened]
    ) -> NDArray[np.float16]:
        """Features of the rows that were asked for, ``(rows, width)``, in their order."""
        parts = [
            self._segment(what, encoder, one, open_input)[self._asked[one.name]] for one in self._snapshot.segments
        ]
        return np.concatenate([np.zeros((0, encoder.width), np.float16), *parts])

    def _segment(
        self, what: str, encoder: Encoder, segment: Segment, open_input: Callable[[Snapshot, Segment], Opened]
    ) -> NDArray[np.float16]:
        path = self._root / encoder.sha / file_name(FEATURES[what], segment)
        kept = load(path, segment.rows, encoder.width)
        if kept is not None:
            return kept
        make_folder(path.parent)
        present, read = open_input(self._snapshot, segment)
        job = _Job(what, encoder, segment, path)
        starts = range(0, segment.rows, BLOCK)
        blocks = [self._block(job, present[start : start + BLOCK], read, start) for start in starts]
        whole = np.concatenate([np.zeros((0, encoder.width), np.float16), *blocks])
        _save(path, whole)
        for start in starts:
            _part(path, start).unlink(missing_ok=True)
        failpoints.reach("features.segment")
        return whole

    def _block(self, job: _Job, present: NDArray[np.bool_], read: Read, start: int) -> NDArray[np.float16]:
        shape = (len(present), job.encoder.width)
        kept = load(_part(job.path, start), *shape)
        if kept is not None:
            return kept
        block = np.zeros(shape, np.float16)
        rows = np.flatnonzero(present)
        for done in range(0, len(rows), BATCH):
            chosen = rows[done : done + BATCH]
            block[chosen] = job.encoder.features(read(start + chosen))
            self.embedded += len(chosen)
            self._progress(job.what, job.segment.name, start + int(chosen[-1]) + 1, job.segment.rows)
        if job.segment.rows > BLOCK:
            _save(_part(job.path, start), block)
        return block


def _part(path: Path, start: int) -> Path:
    return path.with_name(f"{path.stem}.part-{start:09d}.npy")


def _save(path: Path, array: NDArray[np.float16]) -> None:
    data = io.BytesIO()
    np.save(data, array)
    write_durably(path, data.getbuffer())
