"""Claims against manifests: every marked batch is in the store as it was claimed (I2, I5, I8)."""

from collections import defaultdict
from collections.abc import Iterator

from core.domain.consistency import Batch, Staging
from core.domain.review import OutboxKind
from core.store.fsck.files import View
from core.store.fsck.violation import Violation
from core.store.segments import BASE_SEGMENT, segment_name


def check(view: View, staging: Staging) -> Iterator[Violation]:
    """Compare claims with their work, with the manifests, and tombstones with what was retracted."""
    given: defaultdict[int, list[int | None]] = defaultdict(list)
    retracts: defaultdict[int, int] = defaultdict(int)
    for staged in staging.predictions.values():
        for work in staged.work:
            if work.segment is not None and work.kind is OutboxKind.APPEND:
                given[work.segment].append(work.row)
            elif work.segment is not None and work.kind is OutboxKind.RETRACT:
                retracts[work.segment] += 1
    yield from _check_numbers(staging.batches, set(given) | set(retracts))
    for batch in staging.batches:
        yield from _check_work(batch, given[batch.segment], retracts[batch.segment])
        if view.known:
            yield from _check_published(view, batch)
    if view.newest is not None:
        yield from _check_owners(view, {segment_name(batch.segment) for batch in staging.batches})


def _check_numbers(batches: tuple[Batch, ...], used: set[int]) -> Iterator[Violation]:
    known = {batch.segment for batch in batches}
    for number in sorted((set(range(1, max(known, default=0) + 1)) | used) - known):
        yield Violation("I1", "its claim is missing", f"segment claim {number}")


def _check_work(batch: Batch, rows: list[int | None], retracts: int) -> Iterator[Violation]:
    where = f"segment claim {batch.segment}"
    if None in rows or sorted(row for row in rows if row is not None) != list(range(batch.rows)):
        message = f"it was claimed with {batch.rows} rows, the outbox gives rows to {len(rows)} appends"
        yield Violation("I1", f"{message}, not 0 to {batch.rows - 1} once each", where)
    if retracts != batch.retractions:
        yield Violation("I1", f"it was claimed with {batch.retractions} retractions, the outbox has {retracts}", where)


def _check_published(view: View, batch: Batch) -> Iterator[Violation]:
    if batch.manifest is None:
        return
    where = f"segment claim {batch.segment}"
    segment = view.newest.segment(segment_name(batch.segment)) if view.newest else None
    if batch.manifest > (view.newest.number if view.newest else 0):
        yield Violation("I5", f"it is ingested by manifest {batch.manifest}, which is not there", where)
    elif batch.rows and segment is None:
        yield Violation("I2", "it is ingested, and the newest manifest does not name its segment", where)
    elif segment is not None and segment.rows != batch.rows:
        message = f"it was claimed with {batch.rows} rows, the manifest says {segment.rows}"
        yield Violation("I5", message, where)
    elif batch.manifest < view.introduced.get(segment_name(batch.segment), 0):
        yield Violation("I5", f"manifest {batch.manifest} does not name its segment yet", where)


def _check_owners(view: View, claimed: set[str]) -> Iterator[Violation]:
    """A segment that nobody claimed holds nothing but ghosts."""
    for segment in view.newest.segments if view.newest else ():
        if segment.name != BASE_SEGMENT and segment.name not in claimed:
            yield Violation("I3", "no claim asked for it", f"segment {segment.name}")
