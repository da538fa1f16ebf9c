"""What a claimed batch holds, and recording that it is in the training store.

Everything of a batch was frozen by its claim, so each question has the same answer whenever it is asked.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, Update, exists, select, update
from sqlalchemy.orm import Session

from core.db.models import Outbox, Prediction, SegmentClaim, Verdict
from core.db.repositories import audit, predictions
from core.db.repositories.ingest import Claim, chunks
from core.db.types import utc_now
from core.domain.review import INGEST, OutboxKind, Status
from core.errors import Conflict

ACTOR = "ingest"
_UNSYNCHRONISED = {"synchronize_session": False}


class ClaimBroken(Conflict):
    """Rows of a claimed batch are not what the claim froze; a person has to look."""

    code = "ingest.claim_broken"


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


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """A training row: ``row`` (from 0) of the numbered ``segment``."""

    segment: int
    row: int


def claimed_rows(session: Session, claim: Claim) -> list[ClaimedRow]:
    """The rows of a batch in the order of their segment.

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
        .order_by(Outbox.segment_row)
    )


def retracted_rows(session: Session, claim: Claim) -> list[Address]:
    """The training rows that a batch retracts, in order.

    A retraction of version v takes every row that an append of an earlier version was given, and none of a later one.
    It is asked in two steps: as one join, SQLite goes through every append that was ever made.

    Raises:
        ClaimBroken: nobody knows which row one of those appends was given.
    """
    newest: dict[str, int] = {}
    for prediction_id, version in session.execute(select_retractions(claim.segment)):
        newest[prediction_id] = max(version, newest.get(prediction_id, 0))
    rows: set[Address] = set()
    for ids in chunks(newest):
        for prediction_id, version, segment, row in session.execute(select_given(claim.segment, ids)):
            if version >= newest[prediction_id]:
                continue
            if row is None:
                raise ClaimBroken(f"segment {claim.segment} retracts an append whose row was not recorded")
            rows.add(Address(segment, row))
    return sorted(rows)


def select_retractions(segment: int) -> Select[tuple[str, int]]:
    """Which predictions a batch retracts, and before which version."""
    return select(Outbox.prediction_id, Outbox.version).where(
        Outbox.segment == segment, Outbox.kind == OutboxKind.RETRACT.value
    )


def select_given(segment: int, prediction_ids: Collection[str]) -> Select[tuple[str, int, int, int | None]]:
    """The appends of these predictions in batches up to ``segment``: their version and the row they were given."""
    return select(Outbox.prediction_id, Outbox.version, Outbox.segment, Outbox.segment_row).where(
        Outbox.prediction_id.in_(prediction_ids), Outbox.kind == OutboxKind.APPEND.value, Outbox.segment <= segment
    )


def mark(session: Session, claim: Claim, manifest: int) -> bool:
    """Record that a batch is in the training store: predictions, outbox and claim in one transaction.

    A prediction that was retracted or erased meanwhile stays what it is: its retraction waits for the next batch.
    Text and photo of erased products that the store needs no more are forgotten.

    Returns:
        False when another process has recorded it; nothing was changed then.

    Raises:
        ClaimBroken: some of the batch's work is gone or was marked without it.
    """
    segment = claim.segment
    if _changed(session, update_of_claim(segment, manifest)) == 0:
        return False
    # An erasure asked for at this moment waits for this lock, and then finds the retraction done.
    retracted = session.scalars(select_retracting(segment)).all()
    _changed(session, update_of_ingested(segment))
    done = _changed(session, update_of_done(segment))
    if done != claim.rows + claim.retractions:
        raise ClaimBroken(
            f"segment {segment} has {claim.rows} appends and {claim.retractions} retractions, "
            f"{done} of them could be marked"
        )
    detail = {"rows": claim.rows, "retractions": claim.retractions, "manifest": manifest}
    if erased := predictions.blank_erased(session, retracted):
        detail["erased"] = erased
    audit.record(session, actor=ACTOR, action=INGEST.name, subject=f"segment/{segment}", detail=detail)
    return True


def _changed(session: Session, statement: Update) -> int:
    return session.execute(statement, execution_options=_UNSYNCHRONISED).rowcount


def update_of_claim(segment: int, manifest: int) -> Update:
    """Close a claim that is still open."""
    return (
        update(SegmentClaim)
        .where(SegmentClaim.segment == segment, SegmentClaim.ingested_at.is_(None))
        .values(manifest=manifest, ingested_at=utc_now())
    )


def select_retracting(segment: int) -> Select[tuple[str]]:
    """Lock the predictions that a batch retracts."""
    retracted = select(Outbox.prediction_id).where(Outbox.segment == segment, Outbox.kind == OutboxKind.RETRACT.value)
    return select(Prediction.id).where(Prediction.id.in_(retracted)).order_by(Prediction.id).with_for_update()


def update_of_ingested(segment: int) -> Update:
    """Move on the batch's predictions that are as it froze them. Their version stays: it counts what people decided."""
    frozen = exists().where(
        Outbox.prediction_id == Prediction.id,
        Outbox.version == Prediction.version,
        Outbox.kind == OutboxKind.APPEND.value,
        Outbox.segment == segment,
    )
    allowed = sorted(status.value for status in INGEST.allowed)
    return (
        update(Prediction)
        .where(Prediction.segment == segment, Prediction.status.in_(allowed), frozen)
        .values(status=Status.INGESTED.value)
    )


def update_of_done(segment: int) -> Update:
    """Tick off a batch's work."""
    return update(Outbox).where(Outbox.segment == segment, Outbox.done_at.is_(None)).values(done_at=utc_now())
