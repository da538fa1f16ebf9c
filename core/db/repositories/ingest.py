"""Claiming a batch in the database: which work it holds, and freezing the rows; ``batches`` tells what follows.

A batch is one row of ``segment_claim``; its primary key is the fence. ``last_segment`` must be read before
``open_claim``, and ``insert_claim`` uses the number after it: then at most one claim is ever open, because a
claim that the reader missed has the very number it is about to insert.

Every transaction here locks predictions before their outbox rows, as a verdict does: none waits for another in a
circle.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Update, and_, case, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.db.models import Outbox, Prediction, SegmentClaim
from core.db.repositories import outbox
from core.domain.clusters import Placement
from core.domain.review import OutboxKind, Status
from core.errors import Conflict

_CHUNK = 250  # rows a statement: SQLite and MySQL both bound what one may hold
_UNSYNCHRONISED = {"synchronize_session": False}
_CLAIMS = select(
    SegmentClaim.segment, SegmentClaim.run_key, SegmentClaim.rows, SegmentClaim.retractions, SegmentClaim.manifest
)
_APPENDABLE = (Status.VALIDATED.value, Status.INGESTED.value)


class ClaimTaken(Conflict):
    """Another process claimed a batch or withdrew work at the same moment; roll back and look again."""

    code = "ingest.claim_taken"


@dataclass(frozen=True, slots=True)
class Claim:
    """One batch: ``rows`` appends, ``retractions`` retractions. ``manifest`` is None until it is done."""

    segment: int
    run_key: str
    rows: int
    retractions: int
    manifest: int | None


@dataclass(frozen=True, slots=True)
class WaitingWork:
    """An append or a retraction that no batch has claimed, and the prediction it is about.

    Attributes:
        outbox_id: the work.
        kind: append or retract.
        version: of the prediction, produced by the verdict that left the work.
        placed: the prediction was given its cluster and split by an earlier batch.
    """

    outbox_id: int
    kind: OutboxKind
    version: int
    prediction_id: str
    designation: str
    description: str | None
    image_sha256: str | None
    placed: bool


def due(session: Session, *, min_rows: int, max_age_s: float) -> bool:
    """Whether a batch is worth starting: enough waits, something waited long enough or is urgent, or one lies open."""
    if open_claim(session) is not None:
        return True
    return outbox.waiting(session).is_due(min_rows=min_rows, max_age_s=max_age_s)


def last_segment(session: Session) -> int:
    """The highest segment number ever claimed, 0 for none."""
    return session.scalar(select(func.max(SegmentClaim.segment))) or 0


def open_claim(session: Session) -> Claim | None:
    """The batch that was claimed and not yet marked, if any."""
    return _claim(session, select_open())


def claim_of_run(session: Session, run_key: str) -> Claim | None:
    """The newest batch that this run claimed or resumed."""
    return _claim(session, select_of_run(run_key))


def manifest_of(session: Session, segment: int) -> int | None:
    """The manifest with which a batch was marked as done; None while it is open."""
    return session.scalar(select(SegmentClaim.manifest).where(SegmentClaim.segment == segment))


def _claim(session: Session, statement: Select[Any]) -> Claim | None:
    found = session.execute(statement.limit(1)).one_or_none()
    return Claim(*found) if found else None


def select_open() -> Select[Any]:
    """The statement behind ``open_claim``, without its limit."""
    return _CLAIMS.where(SegmentClaim.ingested_at.is_(None)).order_by(SegmentClaim.segment)


def select_of_run(run_key: str) -> Select[Any]:
    """The statement behind ``claim_of_run``, without its limit."""
    return _CLAIMS.where(SegmentClaim.run_key == run_key).order_by(SegmentClaim.segment.desc())


def take_over(session: Session, segment: int, run_key: str) -> None:
    """Let ``run_key`` be the run that answers for an open batch."""
    statement = update(SegmentClaim).where(SegmentClaim.segment == segment, SegmentClaim.ingested_at.is_(None))
    session.execute(statement.values(run_key=run_key), execution_options=_UNSYNCHRONISED)


def oldest_waiting(session: Session, *, after: int, limit: int) -> list[tuple[int, str]]:
    """Up to ``limit`` pieces of waiting work after the outbox id ``after``: outbox id and prediction, oldest first."""
    return [(outbox_id, prediction_id) for outbox_id, prediction_id in session.execute(select_oldest(after, limit))]


def select_oldest(after: int, limit: int) -> Select[tuple[int, str]]:
    """The statement behind ``oldest_waiting``."""
    return (
        select(Outbox.id, Outbox.prediction_id)
        .where(*outbox.waits_for_store(), Outbox.id > after)
        .order_by(Outbox.id)
        .limit(limit)
    )


def waiting_work(session: Session, prediction_ids: Iterable[str]) -> list[WaitingWork]:
    """Everything that waits for these predictions, oldest first. An append of another version than theirs is not."""
    rows = [
        WaitingWork(outbox_id, OutboxKind(kind), *values, cluster is not None)
        for ids in chunks(prediction_ids)
        for outbox_id, kind, *values, cluster in session.execute(select_work(ids))
    ]
    return sorted(rows, key=lambda work: work.outbox_id)


def select_work(prediction_ids: Collection[str]) -> Select[Any]:
    """The statement behind ``waiting_work``."""
    return (
        select(
            Outbox.id,
            Outbox.kind,
            Outbox.version,
            Prediction.id,
            Prediction.designation,
            Prediction.description,
            Prediction.image_sha256,
            Prediction.cluster,
        )
        .join(Prediction, Prediction.id == Outbox.prediction_id)
        .where(Outbox.prediction_id.in_(prediction_ids), *outbox.waits_for_store(), _is_current())
    )


def _is_current() -> ColumnElement[bool]:
    appendable = and_(Prediction.version == Outbox.version, Prediction.status.in_(_APPENDABLE))
    return or_(Outbox.kind == OutboxKind.RETRACT.value, appendable)


def lock(session: Session, prediction_ids: Iterable[str]) -> None:
    """Let nobody else move these predictions, or give or withdraw work of theirs, until the transaction ends."""
    for ids in chunks(sorted(prediction_ids)):
        session.execute(select_for_update(ids)).all()


def select_for_update(prediction_ids: Collection[str]) -> Select[tuple[str]]:
    """The statement behind ``lock``; SQLite, whose writers go one by one, has no such clause and needs none."""
    return select(Prediction.id).where(Prediction.id.in_(prediction_ids)).order_by(Prediction.id).with_for_update()


def insert_claim(session: Session, *, segment: int, run_key: str, rows: int, retractions: int) -> Claim:
    """Claim the number ``segment``.

    Raises:
        ClaimTaken: another process has it.
    """
    values = {"segment": segment, "run_key": run_key, "rows": rows, "retractions": retractions}
    try:
        session.execute(insert(SegmentClaim).values(values))
    except IntegrityError as error:
        raise ClaimTaken(f"segment {segment} was claimed by another run") from error
    return Claim(segment, run_key, rows, retractions, None)


def freeze(session: Session, segment: int, appends: Iterable[WaitingWork], places: Mapping[str, Placement]) -> None:
    """Write the segment into the predictions of these appends, and their place into those that have none yet.

    From now on the batch's bytes are decided.

    Raises:
        ClaimTaken: one of them moved on meanwhile.
    """
    for work in appends:
        statement = update_of_freeze(work.prediction_id, work.version, segment, places.get(work.prediction_id))
        if session.execute(statement, execution_options=_UNSYNCHRONISED).rowcount != 1:
            raise ClaimTaken(f"prediction {work.prediction_id} is no longer waiting for its append")


def update_of_freeze(prediction_id: str, version: int, segment: int, place: Placement | None) -> Update:
    """The guarded statement behind ``freeze``: a place is given once and for all."""
    statement = update(Prediction).where(
        Prediction.id == prediction_id, Prediction.version == version, Prediction.status.in_(_APPENDABLE)
    )
    if place is None:
        return statement.where(Prediction.cluster.is_not(None)).values(segment=segment)
    return statement.where(Prediction.cluster.is_(None)).values(
        segment=segment, cluster=place.cluster, split=place.split.value
    )


def claim_outbox(session: Session, segment: int, work: Sequence[WaitingWork]) -> None:
    """Give waiting work to a batch; its appends are numbered as the rows of the segment, in the order given.

    Raises:
        ClaimTaken: some of it no longer waits.
    """
    appends = [one.outbox_id for one in work if one.kind is OutboxKind.APPEND]
    rows = {outbox_id: row for row, outbox_id in enumerate(appends)}
    retractions = [one.outbox_id for one in work if one.kind is OutboxKind.RETRACT]
    statements = [
        *(update_of_appends(segment, {one: rows[one] for one in ids}) for ids in chunks(appends)),
        *(update_of_retractions(segment, ids) for ids in chunks(retractions)),
    ]
    taken = sum(session.execute(one, execution_options=_UNSYNCHRONISED).rowcount for one in statements)
    if taken != len(work):
        raise ClaimTaken(f"segment {segment}: {len(work) - taken} of {len(work)} were claimed or withdrawn meanwhile")


def update_of_appends(segment: int, rows: Mapping[int, int]) -> Update:
    """The guarded statement behind ``claim_outbox`` for appends: ``rows`` is the row of each, by outbox id."""
    return update_of_retractions(segment, rows.keys()).values(segment_row=case(dict(rows), value=Outbox.id))


def update_of_retractions(segment: int, outbox_ids: Collection[int]) -> Update:
    """The guarded statement behind ``claim_outbox`` for retractions."""
    return (
        update(Outbox)
        .where(Outbox.id.in_(outbox_ids), Outbox.segment.is_(None), Outbox.done_at.is_(None))
        .values(segment=segment)
    )


def chunks(values: Iterable[Any]) -> Iterable[list[Any]]:
    """Values in lists that one statement can hold: SQLite and MySQL both bound them."""
    whole = list(values)
    return (whole[at : at + _CHUNK] for at in range(0, len(whole), _CHUNK))
