"""The append protocol's half in the database: claim a batch, freeze its rows, mark it ingested.

A batch is one row of ``segment_claim``; its primary key is the fence. ``last_segment`` must be read before
``open_claim``, and ``insert_claim`` uses the number after it: then at most one claim is ever open, because a
claim that the reader missed has the very number it is about to insert.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, Update, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.db.models import Outbox, Prediction, SegmentClaim, Verdict
from core.db.repositories import audit, outbox
from core.db.types import utc_now
from core.domain.clusters import Placement
from core.domain.review import INGEST, OutboxKind, Status
from core.errors import Conflict

ACTOR = "ingest"
_CHUNK = 500  # ids a statement: SQLite and MySQL both bound what one may hold
_UNSYNCHRONISED = {"synchronize_session": False}


class ClaimTaken(Conflict):
    """Another process claimed a batch or undid a verdict at the same moment; roll back and look again."""

    code = "ingest.claim_taken"


class ClaimBroken(Conflict):
    """Rows of a claimed batch are not what the claim froze; a person has to look."""

    code = "ingest.claim_broken"


@dataclass(frozen=True, slots=True)
class Claim:
    """One batch. ``manifest`` is None until it is ingested."""

    segment: int
    run_key: str
    rows: int
    manifest: int | None


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """A validated prediction that no batch has claimed; ``outbox_id`` is its waiting append."""

    outbox_id: int
    prediction_id: str
    designation: str
    description: str | None
    image_sha256: str | None


@dataclass(frozen=True, slots=True)
class ClaimedRow:
    """A frozen prediction with everything its training row needs. None of it changes any more."""

    prediction_id: str
    designation: str
    description: str | None
    image_sha256: str | None
    split: str
    cluster: str
    model_version: str
    prdtypecode: int
    reviewer_id: str
    decided_at: datetime


def due(session: Session, *, min_rows: int, max_age_s: float) -> bool:
    """Whether a retraining is worth starting: enough rows, one that waited long enough, or a batch left open."""
    if open_claim(session) is not None:
        return True
    waiting = outbox.waiting_to_append(session)
    return waiting.rows >= min_rows or (waiting.rows > 0 and waiting.oldest_age_s >= max_age_s)


def last_segment(session: Session) -> int:
    """The highest segment number ever claimed, 0 for none."""
    return session.scalar(select(func.max(SegmentClaim.segment))) or 0


def open_claim(session: Session) -> Claim | None:
    """The batch that was claimed and not yet marked, if any."""
    return _claim(session, select_claims().where(SegmentClaim.ingested_at.is_(None)).order_by(SegmentClaim.segment))


def claim_of_run(session: Session, run_key: str) -> Claim | None:
    """The newest batch that this run claimed or resumed."""
    return _claim(session, select_claims().where(SegmentClaim.run_key == run_key).order_by(SegmentClaim.segment.desc()))


def select_claims() -> Select[tuple[int, str, int, int | None]]:
    """All claims."""
    return select(SegmentClaim.segment, SegmentClaim.run_key, SegmentClaim.rows, SegmentClaim.manifest)


def _claim(session: Session, statement: Select[tuple[int, str, int, int | None]]) -> Claim | None:
    found = session.execute(statement.limit(1)).one_or_none()
    return Claim(*found) if found else None


def take_over(session: Session, segment: int, run_key: str) -> None:
    """Let ``run_key`` be the run that answers for an open batch."""
    statement = update(SegmentClaim).where(SegmentClaim.segment == segment, SegmentClaim.ingested_at.is_(None))
    session.execute(statement.values(run_key=run_key), execution_options=_UNSYNCHRONISED)


def waiting_rows(session: Session, limit: int) -> list[WaitingRow]:
    """The ``limit`` validated predictions whose append has waited longest."""
    return [WaitingRow(*row) for row in session.execute(select_waiting().limit(limit))]


def select_waiting() -> Select[tuple[int, str, str, str | None, str | None]]:
    """The statement behind ``waiting_rows``, without its limit."""
    return (
        select(Outbox.id, Prediction.id, Prediction.designation, Prediction.description, Prediction.image_sha256)
        .join(Prediction, Prediction.id == Outbox.prediction_id)
        .where(
            Outbox.kind == OutboxKind.APPEND.value,
            Outbox.segment.is_(None),
            Outbox.done_at.is_(None),
            Prediction.status == Status.VALIDATED.value,
        )
        .order_by(Outbox.id)
    )


def insert_claim(session: Session, *, segment: int, run_key: str, rows: int) -> Claim:
    """Claim the number ``segment``.

    Raises:
        ClaimTaken: another process has it.
    """
    try:
        session.execute(insert(SegmentClaim).values(segment=segment, run_key=run_key, rows=rows))
    except IntegrityError as error:
        raise ClaimTaken(f"segment {segment} was claimed by another run") from error
    return Claim(segment, run_key, rows, None)


def claim_outbox(session: Session, segment: int, outbox_ids: Collection[int]) -> None:
    """Give waiting appends to a batch.

    Raises:
        ClaimTaken: one of them no longer waits.
    """
    ids = list(outbox_ids)
    taken = sum(
        session.execute(update_of_outbox(segment, ids[at : at + _CHUNK]), execution_options=_UNSYNCHRONISED).rowcount
        for at in range(0, len(ids), _CHUNK)
    )
    if taken != len(ids):
        raise ClaimTaken(f"segment {segment}: {len(ids) - taken} of {len(ids)} rows were claimed or undone meanwhile")


def update_of_outbox(segment: int, outbox_ids: Collection[int]) -> Update:
    """The guarded statement behind ``claim_outbox``."""
    return (
        update(Outbox)
        .where(Outbox.id.in_(outbox_ids), Outbox.segment.is_(None), Outbox.done_at.is_(None))
        .values(segment=segment)
    )


def freeze(session: Session, segment: int, places: Mapping[str, Placement]) -> None:
    """Write segment, cluster and split into predictions, by id; from now on the batch's bytes are decided.

    Raises:
        ClaimTaken: one of them is no longer validated, or was claimed.
    """
    for prediction_id, place in places.items():
        statement = update_of_freeze(prediction_id, segment, place)
        if session.execute(statement, execution_options=_UNSYNCHRONISED).rowcount != 1:
            raise ClaimTaken(f"prediction {prediction_id} is no longer waiting for an append")


def update_of_freeze(prediction_id: str, segment: int, place: Placement) -> Update:
    """The guarded statement behind ``freeze``."""
    return (
        update(Prediction)
        .where(
            Prediction.id == prediction_id,
            Prediction.status == Status.VALIDATED.value,
            Prediction.segment.is_(None),
        )
        .values(segment=segment, cluster=place.cluster, split=place.split.value)
    )


def claimed_rows(session: Session, claim: Claim) -> list[ClaimedRow]:
    """The rows of a batch in their one order (that of their verdicts), the same whenever it is asked.

    Raises:
        ClaimBroken: there are more or fewer of them than were claimed.
    """
    rows = [ClaimedRow(*row) for row in session.execute(select_claimed(claim.segment))]
    if len(rows) != claim.rows:
        raise ClaimBroken(f"segment {claim.segment} was claimed with {claim.rows} rows, the database has {len(rows)}")
    return rows


def select_claimed(segment: int) -> Select[tuple[str, str, str | None, str | None, str, str, str, int, str, datetime]]:
    """The statement behind ``claimed_rows``: each append, its prediction, and the verdict that caused it."""
    return (
        select(
            Prediction.id,
            Prediction.designation,
            Prediction.description,
            Prediction.image_sha256,
            Prediction.split,
            Prediction.cluster,
            Prediction.model_version,
            Verdict.prdtypecode,
            Verdict.reviewer_id,
            Verdict.decided_at,
        )
        .select_from(Outbox)
        .join(Prediction, Prediction.id == Outbox.prediction_id)
        .join(Verdict, (Verdict.prediction_id == Outbox.prediction_id) & (Verdict.prediction_version == Outbox.version))
        .where(Outbox.segment == segment, Outbox.kind == OutboxKind.APPEND.value)
        .order_by(Outbox.id)
    )


def mark_ingested(session: Session, claim: Claim, manifest: int) -> bool:
    """Record that a batch is in the training store: predictions, outbox and claim in one transaction.

    Returns:
        False when another process has recorded it; nothing was changed then.

    Raises:
        ClaimBroken: a row of the batch is not in the state it was claimed in.
    """
    if session.execute(update_of_claim(claim.segment, manifest), execution_options=_UNSYNCHRONISED).rowcount == 0:
        return False
    for statement in (update_of_ingested(claim.segment), update_of_done(claim.segment)):
        changed = session.execute(statement, execution_options=_UNSYNCHRONISED).rowcount
        if changed != claim.rows:
            raise ClaimBroken(f"segment {claim.segment} has {claim.rows} rows, {changed} of them could be marked")
    audit.record(
        session,
        actor=ACTOR,
        action=INGEST.name,
        subject=f"segment/{claim.segment}",
        detail={"rows": claim.rows, "manifest": manifest},
    )
    return True


def update_of_claim(segment: int, manifest: int) -> Update:
    """Close a claim that is still open."""
    return (
        update(SegmentClaim)
        .where(SegmentClaim.segment == segment, SegmentClaim.ingested_at.is_(None))
        .values(manifest=manifest, ingested_at=utc_now())
    )


def update_of_ingested(segment: int) -> Update:
    """Move a batch's predictions on. Their version stays: it counts what people decided."""
    allowed = sorted(status.value for status in INGEST.allowed)
    return (
        update(Prediction)
        .where(Prediction.segment == segment, Prediction.status.in_(allowed))
        .values(status=Status.INGESTED.value)
    )


def update_of_done(segment: int) -> Update:
    """Tick off a batch's appends."""
    return (
        update(Outbox)
        .where(Outbox.segment == segment, Outbox.kind == OutboxKind.APPEND.value, Outbox.done_at.is_(None))
        .values(done_at=utc_now())
    )
