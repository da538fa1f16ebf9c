"""The store's invariants as one function: what it finds is what is wrong, and nothing else is.

I2  each prediction is in the training view at most once, exactly once after its append is done
I3  no row in the view without a validated prediction or a base import
I4  a row's code is the last accepted one
I5  every file has the sha256 its manifest names, the chain of manifests is unbroken, CSV and tensors align
I7  nothing is stuck longer than its lease

The store alone answers I5 and half of I2 and I3; the rest compares it with the staging database.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.domain.consistency import Staged, Staging
from core.domain.review import Status
from core.errors import EtalonError
from core.store import manifests, training_csv
from core.store.manifests import Manifest
from core.store.rows import TrainingRow
from core.store.segments import BASE_SEGMENT, IMAGES, PRODUCTS, Segment, open_images, read_products

_TOLERANCE = 4.0
"""Mean difference (of 255) up to which a stored tensor is that of its photo: decoders differ between versions."""

ReadTensor = Callable[[TrainingRow], NDArray[np.uint8]]
"""One row's tensor, ``(224, 224, 3)`` uint8 RGB, computed again from its stored photo."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken invariant: its name ("I2" … "I7"), what is wrong, and the file, row or id where."""

    invariant: str
    message: str
    where: str

    def __str__(self) -> str:
        return f"{self.invariant}  {self.where}: {self.message}"


@dataclass(frozen=True, slots=True)
class Lease:
    """How long things may take before they count as stuck, in seconds."""

    claim_s: float = 3600.0
    waiting_s: float = 2 * 24 * 3600.0


@dataclass(slots=True)
class _View:
    """What could be read: all rows by segment, and the live ones with their addresses."""

    segments: dict[str, list[TrainingRow]] = field(default_factory=dict)
    live: list[tuple[str, int, TrainingRow]] = field(default_factory=list)
    whole: bool = True


def check(
    training: Path,
    *,
    read_staging: Callable[[], Staging] | None = None,
    read_tensor: ReadTensor | None = None,
    full: bool = False,
    lease: Lease | None = None,
) -> list[Violation]:
    """Compare the training store with itself and with the staging database.

    Safe beside a running system: the database is asked before and after the store is read, and only what both
    answers agree on is reported.

    Args:
        training: root of the training store; one without a manifest holds nothing and breaks nothing.
        read_staging: asks the database; None leaves I4, I7 and the database's half of I2 and I3 out.
        read_tensor: computes a row's tensor again; with ``full``, every stored tensor is compared with it.
        full: read the tensors too. Without it their size and header are compared, the rest is always read.
        lease: when a claim or a waiting row counts as stuck.

    Returns:
        Every violation found, none when all is well. It never raises for what it was made to find.
    """
    before = read_staging() if read_staging else None
    found = list(_check_chain(training))
    view, newest = _View(), _newest(training)
    for segment in newest.segments if newest else ():
        found += _read(training, newest, segment, view)
        found += _check_images(training, segment, view.segments.get(segment.name, []), read_tensor, full=full)
    found += _check_training_csv(training, newest)
    found += _check_view(view)
    if before is not None and read_staging is not None:
        found += _check_staging(view, before, read_staging())
        found += _check_leases(before, lease or Lease())
    return found


def _newest(training: Path) -> Manifest | None:
    try:
        return manifests.newest(training)
    except EtalonError:
        return None  # the chain has reported it


def _check_chain(training: Path) -> Iterator[Violation]:
    parent: Manifest | None = None
    before = 0
    for number in manifests.numbers(training):
        where = str(manifests.manifest_path(training, number))
        try:
            manifest = manifests.read(training, number)
        except EtalonError as error:
            yield Violation("I5", str(error), where)
            parent, before = None, number
            continue
        if number != before + 1:
            yield Violation("I5", f"manifest {before + 1} is missing", where)
        elif parent is not None or number == 1:
            yield from _check_child(parent, manifest, where)
        parent, before = manifest, number


def _check_training_csv(training: Path, newest: Manifest | None) -> Iterator[Violation]:
    """A record of an older manifest only says that writing stopped half-way; the next append finishes it."""
    current = newest is not None and training_csv.recorded(training).get("manifest_sha256") == newest.sha256
    if current and not training_csv.is_intact(training):
        where = str(training / training_csv.TRAINING_CSV)
        yield Violation("I5", "changed since it was written; the next append rewrites it", where)


def _check_child(parent: Manifest | None, child: Manifest, where: str) -> Iterator[Violation]:
    if child.parent != (parent.sha256 if parent else None):
        yield Violation("I5", f"its parent is not manifest {child.number - 1}", where)
    if parent is not None and child.segments[: len(parent.segments)] != parent.segments:
        yield Violation("I5", f"it changes segments of manifest {parent.number}", where)
    if parent is not None and not set(parent.tombstones) <= set(child.tombstones):
        yield Violation("I5", f"it brings back rows that manifest {parent.number} had retracted", where)


def _read(training: Path, newest: Manifest, segment: Segment, view: _View) -> Iterator[Violation]:
    """Collect a segment's rows into the view."""
    dead = {stone.row for stone in newest.tombstones if stone.segment == segment.name}
    try:
        rows = read_products(training, segment)
    except EtalonError as error:
        view.whole = False
        yield Violation("I5", str(error), f"segment {segment.name} {PRODUCTS}")
        return
    view.segments[segment.name] = rows
    view.live += [(segment.name, at, row) for at, row in enumerate(rows) if at not in dead]


def _check_images(
    training: Path, segment: Segment, rows: list[TrainingRow], read_tensor: ReadTensor | None, *, full: bool
) -> Iterator[Violation]:
    try:
        images = open_images(training, segment, rehash=full)
    except EtalonError as error:
        yield Violation("I5", str(error), f"segment {segment.name} {IMAGES}")
        return
    for at, row in enumerate(rows) if full else ():
        where = f"segment {segment.name} row {at} (product {row.product_id})"
        try:
            if not row.image_sha256 and images[at].any():
                yield Violation("I5", "it has no photo but a tensor", where)
            elif read_tensor and np.abs(images[at].astype(float) - read_tensor(row)).mean() > _TOLERANCE:
                yield Violation("I5", f"its tensor is not that of photo {row.image_sha256}", where)
        except EtalonError as error:
            yield Violation("I5", str(error), where)


def _check_view(view: _View) -> Iterator[Violation]:
    """What the rows say of themselves: a base row is in the base, every other one names its prediction, once."""
    times = Counter(row.prediction_id for _, _, row in view.live if row.prediction_id)
    for segment, at, row in view.live:
        where = f"segment {segment} row {at}"
        if (row.source == "base") != (segment == BASE_SEGMENT) or (row.source == "base") == bool(row.prediction_id):
            yield Violation("I3", f"a row of source {row.source!r} with prediction {row.prediction_id!r}", where)
        if times[row.prediction_id] > 1:
            yield Violation(
                "I2", f"prediction {row.prediction_id} is in the view {times[row.prediction_id]} times", where
            )


def _check_staging(view: _View, before: Staging, after: Staging) -> Iterator[Violation]:
    present = set()
    for segment, at, row in view.live:
        if row.prediction_id:
            present.add(row.prediction_id)
            yield from _check_row(row, after.predictions, f"segment {segment} row {at}")
    for prediction_id, staged in before.predictions.items() if view.whole else ():
        settled = staged.appended and not staged.waiting and staged.status is Status.INGESTED
        if settled and prediction_id not in present:
            yield Violation("I2", "it was ingested, and the view does not hold it", f"prediction {prediction_id}")


def _check_row(row: TrainingRow, predictions: Mapping[str, Staged], where: str) -> Iterator[Violation]:
    staged = predictions.get(row.prediction_id)
    if staged is None or (staged.status is Status.RETRACTED and not staged.waiting):
        yield Violation("I3", f"prediction {row.prediction_id} is not validated", where)
    elif staged.code != row.prdtypecode and not staged.waiting:
        message = f"prediction {row.prediction_id} was accepted as {staged.code}, the row says {row.prdtypecode}"
        yield Violation("I4", message, where)


def _check_leases(staging: Staging, lease: Lease) -> Iterator[Violation]:
    for claim in staging.open_claims:
        if claim.age_s > lease.claim_s:
            message = f"{claim.rows} rows were claimed {claim.age_s:.0f} s ago and are not ingested"
            yield Violation("I7", message, f"segment claim {claim.segment}")
    if staging.oldest_waiting_s > lease.waiting_s:
        yield Violation("I7", f"a validated row has waited {staging.oldest_waiting_s:.0f} s for its append", "outbox")
