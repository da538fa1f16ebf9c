"""The facts that the store's invariants are checked against."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core.db.models import Outbox, Prediction, SegmentClaim
from core.db.repositories import outbox
from core.db.types import utc_now
from core.domain.consistency import OpenClaim, Staged, Staging
from core.domain.review import OutboxKind, Status

_EVER_VALIDATED = (Status.VALIDATED, Status.INGESTED, Status.RETRACTED)
_STORE_WORK = (OutboxKind.APPEND, OutboxKind.RETRACT)


def staging(session: Session) -> Staging:
    """Everything the database says of the training store, as of this transaction."""
    return Staging(
        predictions=_predictions(session),
        open_claims=tuple(OpenClaim(*row) for row in _ages(session)),
        oldest_waiting_s=outbox.waiting_to_append(session).oldest_age_s,
    )


def _predictions(session: Session) -> dict[str, Staged]:
    appended: set[str] = set()
    waiting: set[str] = set()
    for prediction_id, kind, done_at in session.execute(select_work()):
        if done_at is None:
            waiting.add(prediction_id)
        elif kind == OutboxKind.APPEND.value:
            appended.add(prediction_id)
    return {
        prediction_id: Staged(Status(status), code, prediction_id in appended, prediction_id in waiting)
        for prediction_id, status, code in session.execute(select_validated())
    }


def _ages(session: Session) -> Iterable[tuple[int, int, float]]:
    for segment, rows, claimed_at, now in session.execute(select_open_claims()):
        yield segment, rows, max(0.0, (now - claimed_at).total_seconds())


def select_work() -> Select[tuple[str, str, datetime | None]]:
    """Appends and retractions, done or not."""
    kinds = [kind.value for kind in _STORE_WORK]
    return select(Outbox.prediction_id, Outbox.kind, Outbox.done_at).where(Outbox.kind.in_(kinds))


def select_validated() -> Select[tuple[str, str, int]]:
    """Predictions that were ever validated, with their last accepted code."""
    statuses = [status.value for status in _EVER_VALIDATED]
    return select(Prediction.id, Prediction.status, Prediction.current_code).where(Prediction.status.in_(statuses))


def select_open_claims() -> Select[tuple[int, int, datetime, datetime]]:
    """Batches that were claimed and not marked, with the database's present time."""
    return (
        select(SegmentClaim.segment, SegmentClaim.rows, SegmentClaim.claimed_at, utc_now())
        .where(SegmentClaim.ingested_at.is_(None))
        .order_by(SegmentClaim.segment)
    )
