"""How far a reviewer's day has come: what is left for them to decide, and what they decided."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import Select, case, distinct, func, select
from sqlalchemy.orm import Session

from core.db.models import Prediction, Verdict
from core.db.repositories.leases import is_for
from core.db.repositories.predictions import Filter
from core.db.types import utc_now
from core.domain.review import CORRECT, REJECT, VALIDATE, Status

COUNTED_AT_MOST = 1000
"""Matching products are counted up to here. More is far away, however many, and counting all would take its time."""
_HOUR = timedelta(hours=1)
_PACE_OF = timedelta(minutes=10)
_SHORTEST = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Progress:
    """Numbers of products.

    Attributes:
        remaining: pending ones that somebody else has sent, held by anybody or put aside or free.
        matching: those that the filters leave of the queue, at most ``COUNTED_AT_MOST``.
        matching_is_exact: whether there are no more of them.
        decided_today: those that this reviewer accepted, rejected or corrected since midnight UTC, each once.
        decided_last_hour: the same for the last sixty minutes.
        pace_per_minute: of the last ten minutes, or since the first of their decisions in these; None without any.
    """

    remaining: int
    matching: int
    matching_is_exact: bool
    decided_today: int
    decided_last_hour: int
    pace_per_minute: float | None


def of(session: Session, reviewer_id: str, wanted: Filter) -> Progress:
    """A reviewer's progress in what they ask for, by the database's clock."""
    now = session.execute(select(utc_now())).scalar_one()
    matching = session.execute(select_matching(reviewer_id, wanted)).scalar_one()
    today, _ = session.execute(select_decided(reviewer_id, datetime.combine(now.date(), time()))).one()
    last_hour, _ = session.execute(select_decided(reviewer_id, now - _HOUR)).one()
    lately, first = session.execute(select_decided(reviewer_id, now - _PACE_OF)).one()
    return Progress(
        remaining=session.execute(select_remaining(reviewer_id)).scalar_one(),
        matching=min(matching, COUNTED_AT_MOST),
        matching_is_exact=matching <= COUNTED_AT_MOST,
        decided_today=today,
        decided_last_hour=last_hour,
        pace_per_minute=lately / (max(now - first, _SHORTEST) / _SHORTEST) if lately else None,
    )


def select_matching(reviewer_id: str, wanted: Filter) -> Select[tuple[int]]:
    """What a reviewer could be offered of what they ask for, counted up to one more than ``COUNTED_AT_MOST``."""
    some = select(Prediction.id).where(*is_for(reviewer_id, wanted)).limit(COUNTED_AT_MOST + 1)
    return select(func.count()).select_from(some.subquery())


def select_remaining(reviewer_id: str) -> Select[tuple[int]]:
    """All that are pending, less the reviewer's own."""
    is_pending = Prediction.status == Status.PENDING.value
    pending = select(func.count()).select_from(Prediction).where(is_pending)
    # Counted by a CASE: with the state in the WHERE, SQLite reads every pending row instead of the few of one owner.
    own = select(func.count(case((is_pending, 1)))).where(Prediction.owner_id == reviewer_id)
    return select(pending.scalar_subquery() - own.scalar_subquery())


def select_decided(reviewer_id: str, since: datetime) -> Select[tuple[int, datetime | None]]:
    """Products that the reviewer decided about from ``since`` (naive UTC) on, and the moment of the first decision."""
    return select(func.count(distinct(Verdict.prediction_id)), func.min(Verdict.decided_at)).where(
        Verdict.reviewer_id == reviewer_id,
        Verdict.decided_at >= since,
        Verdict.action.in_([VALIDATE.name, REJECT.name, CORRECT.name]),
    )
