"""What waits for the loop, and taking back what nobody has claimed; claiming it is the ingest's business.

Whoever changes a prediction and its work in one transaction changes the prediction first, as the ingest
does: two such transactions then wait for one another instead of locking each other out.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Delete, Select, delete, func, select
from sqlalchemy.orm import Session

from core.db.models import Outbox, SegmentClaim
from core.db.repositories import retrain_requests
from core.db.types import utc_now
from core.domain.review import OutboxKind

STORE_WORK = (OutboxKind.APPEND.value, OutboxKind.RETRACT.value)
"""The kinds of work that change the training store."""

_UNSYNCHRONISED = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Waiting:
    """Work for the training store that no batch has claimed yet, and what else asks for a run.

    Attributes:
        rows: appends and retractions.
        oldest_age_s: age of the oldest in seconds, 0 for none.
        urgent: whether one of them should not wait for a full batch.
        open_s: seconds since a batch was claimed that is not finished, 0 for none.
        request: a person's wish for a retraining that no run has taken; it needs no rows.
    """

    rows: int
    oldest_age_s: float
    urgent: bool = False
    open_s: float = 0.0
    request: str | None = None

    def is_due(self, *, min_rows: int, max_age_s: float) -> bool:
        """Whether it is worth a run: enough of it, some that waited long enough or is urgent, or somebody's wish."""
        if self.request is not None or self.rows >= min_rows:
            return True
        return self.rows > 0 and (self.urgent or self.oldest_age_s >= max_age_s)


def waiting(session: Session) -> Waiting:
    """Count the appends and retractions that wait, with ages by the database's clock."""
    rows, oldest, urgent, now = session.execute(select_waiting()).one()
    claimed_at = session.scalar(select_oldest_open())
    request = retrain_requests.waiting_id(session)
    return Waiting(rows, _age_s(oldest, now), bool(urgent), _age_s(claimed_at, now), request)


def _age_s(moment: datetime | None, now: datetime) -> float:
    return max(0.0, (now - moment).total_seconds()) if moment is not None else 0.0


def select_oldest_open() -> Select[tuple[datetime | None]]:
    """When the batch was claimed that has been open longest."""
    return select(func.min(SegmentClaim.claimed_at)).where(SegmentClaim.ingested_at.is_(None))


def select_waiting() -> Select[tuple[int, datetime | None, bool | None, datetime]]:
    """The statement behind ``waiting``."""
    return select(func.count(), func.min(Outbox.created_at), func.max(Outbox.urgent), utc_now()).where(
        *waits_for_store()
    )


def waits_for_store() -> tuple[ColumnElement[bool], ...]:
    """What is true of work for the training store that nobody has claimed."""
    return Outbox.kind.in_(STORE_WORK), Outbox.segment.is_(None), Outbox.done_at.is_(None)


def withdraw(session: Session, prediction_id: str, kind: OutboxKind, version: int | None = None) -> int:
    """Take back work of one kind that nobody has claimed: of one version, or of any.

    Returns:
        How much was taken back. 0 where a batch was first, or there was none.
    """
    statement = delete_of_waiting(prediction_id, kind, version)
    return session.execute(statement, execution_options=_UNSYNCHRONISED).rowcount


def delete_of_waiting(prediction_id: str, kind: OutboxKind, version: int | None) -> Delete:
    """The guarded statement behind ``withdraw``."""
    statement = delete(Outbox).where(
        Outbox.prediction_id == prediction_id,
        Outbox.kind == kind.value,
        Outbox.segment.is_(None),
        Outbox.done_at.is_(None),
    )
    return statement if version is None else statement.where(Outbox.version == version)


def has_any(session: Session, prediction_id: str) -> bool:
    """Whether a prediction has work of any kind, done or not; there is more only with its next version."""
    return session.scalar(select(Outbox.id).where(Outbox.prediction_id == prediction_id).limit(1)) is not None
