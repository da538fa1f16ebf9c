"""What happened day by day, and what waits for a person now.

Each question is about one day, so none of them holds a reader's lock for longer than a day's rows take, and whoever
asks may remember the days that are over.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import Session

from core.db.models import Prediction, QualityReading, Verdict
from core.db.repositories import spans
from core.db.repositories.predictions import Filter
from core.db.types import utc_now
from core.domain.feedback import Feedback
from core.domain.review import Status
from core.domain.trends import TENTHS, Answers, Decision

_FETCH = 5_000  # rows held by the driver at a time
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pending:
    """Products that wait for a decision.

    Attributes:
        by_day: how many, by the day on which they were sent.
        oldest_at: when the first of them was sent (naive UTC); None without any.
        median_at: when the middle one was.
        late_at: when the one was that nine in ten are younger than.
    """

    by_day: dict[date, int]
    oldest_at: datetime | None
    median_at: datetime | None
    late_at: datetime | None

    @property
    def rows(self) -> int:
        """How many."""
        return sum(self.by_day.values())


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of the watch, without its details; ``low`` and ``high`` where it has an interval."""

    at: datetime
    kind: str
    value: float
    low: float | None
    high: float | None
    threshold: float
    finding: str


def clock(session: Session) -> datetime:
    """The database's, naive UTC."""
    return session.execute(select(utc_now())).scalar_one()


def answers(session: Session, day: date) -> list[Answers]:
    """What was answered to the products of one day."""
    return [Answers(*row) for row in session.execute(select_answers(*_span(day)))]


def select_answers(since: datetime, until: datetime) -> Select[Any]:
    """The statement behind ``answers``."""
    kind = (Prediction.model_name, Prediction.model_version, Prediction.epoch, Prediction.suggested_code, _tenth())
    return (
        select(*kind, func.count())
        .where(*spans.created(since, until), spans.of_people())
        .group_by(*kind)
        .order_by(*kind)
    )


def _tenth() -> ColumnElement[int]:
    """Compared and not cast: whether a cast rounds or cuts depends on the database."""
    bounds = ((Prediction.confidence < (tenth + 1) / TENTHS, tenth) for tenth in range(TENTHS - 1))
    return case(*bounds, else_=TENTHS - 1).label("tenth")


def decisions(session: Session, day: date) -> Iterator[Decision]:
    """Every verdict of one day."""
    for row in session.execute(select_decisions(*_span(day)).execution_options(yield_per=_FETCH)):
        sent_at, decided_at, action, agrees = row
        yield Decision(sent_at, decided_at, action, bool(agrees))


def select_decisions(since: datetime, until: datetime) -> Select[tuple[datetime, datetime, str, int]]:
    """The statement behind ``decisions``."""
    agrees = case((Verdict.prdtypecode == Prediction.suggested_code, 1), else_=0)
    return (
        select(Prediction.created_at, Verdict.decided_at, Verdict.action, agrees)
        .join(Prediction, Prediction.id == Verdict.prediction_id)
        .where(*spans.decided(since, until), spans.of_people())
    )


def pending(session: Session) -> Pending:
    """What waits for a decision now."""
    rows = session.execute(select_pending()).all()
    by_day = {date.fromisoformat(str(day)): count for day, count, _ in rows}
    oldest_at = min((oldest for _, _, oldest in rows), default=None)
    total = sum(by_day.values())
    middle, late = ((_nth(session, place) if total else None) for place in (total // 2, total // 10))
    return Pending(by_day, oldest_at, middle, late)


def _nth(session: Session, place: int) -> datetime | None:
    """None where somebody has decided about the last ones in this moment."""
    return session.scalar(select_nth_pending(place))


def select_pending() -> Select[tuple[Any, int, datetime]]:
    """The statement behind ``pending``: by the day on which they were sent."""
    day = func.date(Prediction.created_at).label("day")
    return select(day, func.count(), func.min(Prediction.created_at)).where(*_waits()).group_by(day)


def select_nth_pending(place: int) -> Select[tuple[datetime]]:
    """When the product was sent that so many older ones wait before; ids are given out in that order."""
    return select(Prediction.created_at).where(*_waits()).order_by(Prediction.id).offset(place).limit(1)


def _waits() -> tuple[ColumnElement[bool], ...]:
    return Prediction.status == Status.PENDING.value, spans.of_people()


def disputed(session: Session) -> int:
    """Products whose sender disputes the answer, and about which nobody has decided since."""
    return session.execute(select_disputed()).scalar_one()


def select_disputed() -> Select[tuple[int]]:
    """The statement behind ``disputed``."""
    asked = Filter(feedback=Feedback.DISPUTED, unanswered=True)
    return select(func.count()).select_from(Prediction).where(*asked.conditions())


def readings(session: Session, since: datetime) -> list[Reading]:
    """What the watch has read from ``since`` (naive UTC) on, in order."""
    return [Reading(*row) for row in session.execute(select_readings(since))]


def select_readings(since: datetime) -> Select[Any]:
    """The statement behind ``readings``, in the order of the index that finds them: there is one every few minutes."""
    figures = (QualityReading.value, QualityReading.low, QualityReading.high, QualityReading.threshold)
    columns = (QualityReading.at, QualityReading.kind, *figures, QualityReading.finding)
    return select(*columns).where(QualityReading.at >= since).order_by(QualityReading.at, QualityReading.id)


def _span(day: date) -> tuple[datetime, datetime]:
    since = datetime.combine(day, time())
    return since, since + _ONE_DAY
