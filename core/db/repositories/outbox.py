"""What waits for the loop, seen from outside; claiming it is the ingest's business."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from core.db.models import Outbox
from core.db.types import utc_now
from core.domain.review import OutboxKind


@dataclass(frozen=True, slots=True)
class Waiting:
    """Validated rows that no segment has claimed yet: how many, and the age of the oldest in seconds (0 for none)."""

    rows: int
    oldest_age_s: float


def waiting_to_append(session: Session) -> Waiting:
    """Count the validated rows that wait, with ages by the database's clock."""
    rows, oldest, now = session.execute(select_waiting()).one()
    age_s = (now - oldest).total_seconds() if oldest is not None else 0.0
    return Waiting(rows, max(0.0, age_s))


def select_waiting() -> Select[tuple[int, datetime | None, datetime]]:
    """The statement behind ``waiting_to_append``."""
    return select(func.count(), func.min(Outbox.created_at), utc_now()).where(
        Outbox.kind == OutboxKind.APPEND.value, Outbox.segment.is_(None), Outbox.done_at.is_(None)
    )
