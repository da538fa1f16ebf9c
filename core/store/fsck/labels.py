"""Verdicts against work against rows: I1, I2, I3, I4 and I8 for every prediction that somebody decided about."""

from collections import Counter
from collections.abc import Iterator

from core.domain.consistency import Staged, Staging, Work
from core.domain.review import OutboxKind, Status
from core.store.fsck.files import Address, View
from core.store.fsck.violation import Violation
from core.store.segments import segment_name

_STANDS_AFTER = {
    Status.PENDING: {None, "modify", "undo", "reopen"},
    Status.VALIDATED: {"validate"},
    Status.INGESTED: {"validate", "correct"},
    Status.REJECTED: {"reject"},
    Status.ARCHIVED: {"reject", "erase"},
    Status.RETRACTED: {"retract", "erase"},
}
_LABELLED = (Status.VALIDATED, Status.INGESTED)


def check(view: View, staging: Staging) -> Iterator[Violation]:
    """Compare every prediction with its work and with the rows of the newest manifest."""
    owners: dict[Address, str] = {}
    for prediction_id, staged in staging.predictions.items():
        where = f"prediction {prediction_id}"
        yield from _check_verdicts(staged, where)
        yield from _check_work(staged, where)
        yield from _check_erasure(staged, where)
        for append in staged.of_kind(OutboxKind.APPEND):
            if (address := address_of(append)) is not None:
                owners[address] = prediction_id
                if view.known:
                    yield from _check_append(view, staged, append, address, where)
    for (segment, at), row in view.rows.items():
        if owners.get((segment, at)) != row.prediction_id:
            message = f"prediction {row.prediction_id} was not validated for it"
            yield Violation("I3", message, f"segment {segment} row {at}")


def address_of(append: Work) -> Address | None:
    """Where a claimed append's row lies, None while nobody has claimed it."""
    if append.segment is None or append.row is None:
        return None
    return segment_name(append.segment), append.row


def _check_verdicts(staged: Staged, where: str) -> Iterator[Violation]:
    """One verdict a version, and the last one explains the status."""
    if staged.verdicts != staged.version - 1:
        message = (
            f"it has version {staged.version}, and {staged.verdicts} of its {staged.version - 1} verdicts are left"
        )
        yield Violation("I1", message, where)
    elif staged.action not in _STANDS_AFTER[staged.status]:
        yield Violation("I1", f"it is {staged.status}, its last verdict says {staged.action}", where)
    elif staged.status in _LABELLED and staged.accepted != staged.code:
        yield Violation("I4", f"it was accepted as {staged.accepted}, and says {staged.code}", where)


def _check_work(staged: Staged, where: str) -> Iterator[Violation]:
    for message in (*_missing_work(staged), *_needless_work(staged)):
        yield Violation("I1", f"it is {staged.status} in version {staged.version}, {message}", where)
    for append in staged.of_kind(OutboxKind.APPEND):
        if append.segment is not None and not _stands(staged, append) and not retractions(staged, append):
            message = f"version {append.version} went into segment {append.segment}, and nothing takes it back"
            yield Violation("I3", f"it is {staged.status} in version {staged.version}; {message}", where)


def _missing_work(staged: Staged) -> Iterator[str]:
    """What its standing verdict asked for and the outbox does not hold."""
    own = Counter((work.kind, work.done) for work in staged.work if work.version == staged.version)
    appends = staged.of_kind(OutboxKind.APPEND)
    match staged.status:
        case Status.VALIDATED:
            if not own[OutboxKind.APPEND, False]:
                yield "and no append of it waits"
        case Status.INGESTED:
            if not own[OutboxKind.APPEND, True] + own[OutboxKind.APPEND, False]:
                yield "and no append of it was asked for"
            if not any(append.done for append in appends):
                yield "and no append of it is done"
            if staged.action == "validate" and not own[OutboxKind.APPEND, True]:
                yield "and its append is not done"
        case Status.REJECTED:
            if not own[OutboxKind.ARCHIVE, False]:
                yield "and no archiving of it waits"
        case Status.ARCHIVED:
            if not any(work.done for work in staged.of_kind(OutboxKind.ARCHIVE)):
                yield "and no archiving of it is done"


def _needless_work(staged: Staged) -> Iterator[str]:
    """Work that should have been withdrawn, or that was marked without having been claimed."""
    wanted = {
        OutboxKind.APPEND: _LABELLED,
        OutboxKind.ARCHIVE: (Status.REJECTED,),
        OutboxKind.RETRACT: tuple(Status),
    }
    for work in staged.work:
        superseded = work.version != staged.version and work.kind is not OutboxKind.RETRACT
        if work.waits and (superseded or staged.status not in wanted[work.kind]):
            yield f"and an {work.kind} of version {work.version} still waits"
        if work.done and work.segment is None and work.kind is not OutboxKind.ARCHIVE:
            yield f"and its {work.kind} of version {work.version} was done by no batch"


def _stands(staged: Staged, append: Work) -> bool:
    return staged.status in _LABELLED and append.version == staged.version


def retractions(staged: Staged, append: Work) -> list[Work]:
    """Those that take an append's row out again: every later one."""
    return [work for work in staged.of_kind(OutboxKind.RETRACT) if work.version > append.version]


def _check_append(view: View, staged: Staged, append: Work, address: Address, where: str) -> Iterator[Violation]:
    """Whether a claimed append's row is there if it must be, gone if it must be, and what was accepted."""
    segment, at = address
    row = view.rows.get(address)
    taking = retractions(staged, append)
    if row is None:
        if append.done and all(work.segment is None for work in taking) and segment not in view.unread:
            message = f"version {append.version} was ingested, and the view does not hold it"
            yield Violation("I2", message, f"{where} segment {segment} row {at}")
        return
    if any(work.done for work in taking):
        yield Violation("I8", "it was retracted, and the view still holds it", f"{where} segment {segment} row {at}")
    if row.code != append.code:
        message = f"{where} was accepted as {append.code}, the row says {row.code}"
        yield Violation("I4", message, f"segment {segment} row {at}")
    elif (row.split, row.cluster) != (staged.split, staged.cluster):
        message = f"{where} belongs to {staged.split} {staged.cluster}, the row to {row.split} {row.cluster}"
        yield Violation("I4", message, f"segment {segment} row {at}")


def _check_erasure(staged: Staged, where: str) -> Iterator[Violation]:
    unsettled = any(not work.done for work in staged.work if work.kind is not OutboxKind.ARCHIVE)
    if staged.erase and not unsettled and not staged.blank:
        yield Violation("I8", "its owner wished it gone, and its text or photo is still there", where)
