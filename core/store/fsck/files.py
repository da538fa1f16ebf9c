"""What the training store says of itself: manifests, segments, ``training.csv`` (I5, and what else it can tell)."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.domain.clusters import straddling
from core.errors import EtalonError
from core.store import manifests, training_csv
from core.store.fsck.violation import Violation
from core.store.manifests import Manifest
from core.store.rows import TrainingRow
from core.store.segments import BASE_SEGMENT, IMAGES, PRODUCTS, Segment, open_images, read_products

_TOLERANCE = 4.0
"""Mean difference (of 255) up to which a stored tensor is that of its photo: decoders differ between versions."""

ReadTensor = Callable[[TrainingRow], NDArray[np.uint8]]
"""One row's tensor, ``(224, 224, 3)`` uint8 RGB, computed again from its stored photo."""

Address = tuple[str, int]
"""A segment's name and a row in it, from 0."""


@dataclass(frozen=True, slots=True)
class LiveRow:
    """What the comparison with the database needs of a row that came through the API."""

    prediction_id: str
    code: int
    split: str
    cluster: str


@dataclass(slots=True)
class View:
    """What the newest manifest says, as far as it could be read.

    Attributes:
        newest: None in an empty store, and where it cannot be read.
        known: False where there is a newest manifest that cannot be read: nothing can be said of any row then.
        rows: live rows that name a prediction.
        dead: tombstoned addresses.
        unread: segments whose products could not be read.
        introduced: the first manifest that names each segment.
    """

    newest: Manifest | None = None
    known: bool = True
    rows: dict[Address, LiveRow] = field(default_factory=dict)
    dead: set[Address] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)
    introduced: dict[str, int] = field(default_factory=dict)


def read(training: Path, view: View, read_tensor: ReadTensor | None, *, full: bool) -> Iterator[Violation]:
    """Fill ``view`` and report what is wrong; the rows of one segment at a time are in memory."""
    yield from _read_chain(training, view)
    newest = view.newest
    if newest is None:
        return
    view.dead = {(stone.segment, stone.row) for stone in newest.tombstones}
    yield from _check_tombstones(newest)
    splits: defaultdict[str, set[str]] = defaultdict(set)
    counts: dict[str, int] = {}
    for segment in newest.segments:
        try:
            rows = read_products(training, segment)
        except EtalonError as error:
            view.unread.add(segment.name)
            yield Violation("I5", str(error), f"segment {segment.name} {PRODUCTS}")
            rows = []
        live = [(at, row) for at, row in enumerate(rows) if (segment.name, at) not in view.dead]
        counts[segment.name] = len(live)
        yield from _read_rows(segment, live, view, splits)
        yield from _check_images(training, segment, live, read_tensor, full=full)
    yield from _check_once(view)
    yield from _check_clusters(splits)
    yield from _check_training_csv(training, newest, {name: counts[name] for name in counts if name not in view.unread})


def _read_chain(training: Path, view: View) -> Iterator[Violation]:
    parent: Manifest | None = None
    before = 0
    for number in manifests.numbers(training):
        where = str(manifests.manifest_path(training, number))
        try:
            manifest = manifests.read(training, number)
        except EtalonError as error:
            yield Violation("I5", str(error), where)
            parent, before, view.newest, view.known = None, number, None, False
            continue
        if number != before + 1:
            yield Violation("I5", f"manifest {before + 1} is missing", where)
        elif parent is not None or number == 1:
            yield from _check_child(parent, manifest, where)
        for segment in manifest.segments[len(parent.segments) if parent else 0 :]:
            view.introduced.setdefault(segment.name, number)
        parent, before, view.newest, view.known = manifest, number, manifest, True


def _check_child(parent: Manifest | None, child: Manifest, where: str) -> Iterator[Violation]:
    if child.parent != (parent.sha256 if parent else None):
        yield Violation("I5", f"its parent is not manifest {child.number - 1}", where)
    if parent is not None and child.segments[: len(parent.segments)] != parent.segments:
        yield Violation("I5", f"it changes segments of manifest {parent.number}", where)
    if parent is not None and not set(parent.tombstones) <= set(child.tombstones):
        yield Violation("I5", f"it brings back rows that manifest {parent.number} had retracted", where)


def _check_tombstones(newest: Manifest) -> Iterator[Violation]:
    rows = {segment.name: segment.rows for segment in newest.segments}
    for stone in newest.tombstones:
        if not 0 <= stone.row < rows.get(stone.segment, 0):
            message = f"manifest {newest.number} retracts it, and there is no such row"
            yield Violation("I8", message, f"segment {stone.segment} row {stone.row}")


def _read_rows(
    segment: Segment, live: list[tuple[int, TrainingRow]], view: View, splits: dict[str, set[str]]
) -> Iterator[Violation]:
    """Collect live rows. A base row is in the base, every other one names its prediction."""
    for at, row in live:
        if (row.source == "base") != (segment.name == BASE_SEGMENT) or (row.source == "base") == bool(
            row.prediction_id
        ):
            message = f"a row of source {row.source!r} with prediction {row.prediction_id!r}"
            yield Violation("I3", message, f"segment {segment.name} row {at}")
        if row.prediction_id:
            view.rows[segment.name, at] = LiveRow(row.prediction_id, row.prdtypecode, row.split, row.cluster)
        splits[row.cluster].add(row.split)


def _check_images(
    training: Path,
    segment: Segment,
    live: list[tuple[int, TrainingRow]],
    read_tensor: ReadTensor | None,
    *,
    full: bool,
) -> Iterator[Violation]:
    try:
        images = open_images(training, segment, rehash=full)
    except EtalonError as error:
        yield Violation("I5", str(error), f"segment {segment.name} {IMAGES}")
        return
    for at, row in live if full else ():
        where = f"segment {segment.name} row {at} (product {row.product_id})"
        try:
            if not row.image_sha256 and images[at].any():
                yield Violation("I5", "it has no photo but a tensor", where)
            elif read_tensor and np.abs(images[at].astype(float) - read_tensor(row)).mean() > _TOLERANCE:
                yield Violation("I5", f"its tensor is not that of photo {row.image_sha256}", where)
        except EtalonError as error:
            yield Violation("I5", str(error), where)


def _check_once(view: View) -> Iterator[Violation]:
    """A correction takes the old row out in the manifest that brings the new one: two at once are one too many."""
    addresses: defaultdict[str, list[Address]] = defaultdict(list)
    for address, row in view.rows.items():
        addresses[row.prediction_id].append(address)
    for prediction_id, found in addresses.items():
        for segment, at in found if len(found) > 1 else ():
            message = f"prediction {prediction_id} is in the view {len(found)} times"
            yield Violation("I2", message, f"segment {segment} row {at}")


def _check_clusters(splits: dict[str, set[str]]) -> Iterator[Violation]:
    """Copies of one product are never both learnt from and measured with."""
    for cluster in straddling((cluster, split) for cluster, found in splits.items() for split in found):
        yield Violation("I4", f"its rows are in {', '.join(sorted(splits[cluster]))}", f"cluster {cluster}")


def _check_training_csv(training: Path, newest: Manifest, live: dict[str, int]) -> Iterator[Violation]:
    """A record of an older manifest only says that writing stopped half-way; the next append finishes it."""
    record = training_csv.recorded(training)
    if record.get("manifest_sha256") != newest.sha256:
        return
    where = str(training / training_csv.TRAINING_CSV)
    if not training_csv.is_intact(training):
        yield Violation("I5", "changed since it was written; the next append rewrites it", where)
    written = {piece["segment"]: piece["rows"] for piece in record.get("pieces", ())}
    for name, rows in live.items():
        if written.get(name) != rows:
            message = f"it has {written.get(name, 0)} rows of segment {name}, of which {rows} are live"
            yield Violation("I5", message, where)
