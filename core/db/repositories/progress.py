"""How far a reviewer's day has come: what is left for them to decide, and what they decided."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import Select, case, distinct, func, select
from sqlalchemy.orm import Session

from core.db.models import Prediction, Verdict
from core.db.types import utc_now
from core.domain.review import CORRECT, REJECT, VALIDATE, Status

_PACE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Progress:
    """Numbers of products.

    Attributes:
        remaining: pending ones that somebody else has sent, held by anybody or put aside or free.
        decided_today: those that this reviewer accepted, rejected or corrected since midnight UTC, each once.
        decided_last_hour: the same for the last sixty minutes.
    """

    remaining: int
    decided_today: int
    decided_last_hour: int


def of(session: Session, reviewer_id: str) -> Progress:
    """A reviewer's progress by the database's clock."""
    now = session.execute(select(utc_now())).scalar_one()
    midnight = datetime.combine(now.date(), time())
    return Progress(
        remaining=session.execute(select_remaining(reviewer_id)).scalar_one(),
        decided_today=session.execute(select_decided(reviewer_id, midnight)).scalar_one(),
        decided_last_hour=session.execute(select_decided(reviewer_id, now - _PACE)).scalar_one(),
    )


def select_remaining(reviewer_id: str) -> Select[tuple[int]]:
    """All that are pending, less the reviewer's own."""
    is_pending = Prediction.status == Status.PENDING.value
    pending = select(func.count()).select_from(Prediction).where(is_pending)
    # Counted by a CASE: with the state in the WHERE, SQLite reads every pending row instead of the few of one owner.
    own = select(func.count(case((is_pending, 1)))).where(Prediction.owner_id == reviewer_id)
    return select(pending.scalar_subquery() - own.scalar_subquery())


def select_decided(reviewer_id: str, since: datetime) -> Select[tuple[int]]:
    """Products that the reviewer decided about from ``since`` (naive UTC) on."""
    return select(func.count(distinct(Verdict.prediction_id))).where(
        Verdict.reviewer_id == reviewer_id,
        Verdict.decided_at >= since,
        Verdict.action.in_([VALIDATE.name, REJECT.name, CORRECT.name]),
    )
