"""Adding up days and looking where everything waits; what is over is counted once a process."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from sqlalchemy.orm import Session, sessionmaker

from api.metrics.instruments import Instruments
from api.metrics.latency import Latency, latencies
from api.serving.engine import ServingEngine
from api.trends.stages import Standing, stages_of
from core import reports
from core.db.models import Promotion
from core.db.repositories import (
    archive,
    loop_status,
    outbox,
    promotions,
    retrain_requests,
    second_opinions,
    trends,
)
from core.db.repositories.loop_status import Asked, Run
from core.db.repositories.trends import Pending, Reading
from core.domain.trends import Backlog, Day, ModelAnswers, answers_by_model, backlogs, day_of
from core.settings import LoopSettings

MOST_DAYS = 90
_FRESH_S = 5.0  # however many pages look at once, the database is asked that often
_OVER_AFTER = timedelta(minutes=10)  # no transaction lives that long: of a day before that nothing is missing
_WORTH_SHOWING = 30  # products: fewer make no distribution
_MODELS_SHOWN = 4
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Needs:
    """What only a person can do: so many products to decide, to look at again, to answer; a challenger to decide."""

    pending: int
    second_opinions: int
    disputed: int
    challenger: str | None


@dataclass(frozen=True, slots=True)
class Trends:
    """Everything that the monitor shows of the loop.

    Attributes:
        at: when it was counted.
        days: oldest first, without gaps, today last.
        backlogs: the queue at the end of each of them, now for today.
        pending: the queue now.
        models: the packages of the newest releases that answered enough.
        readings: what the watch has read in these days.
        latency: of this process since ``latency_since``.
        stages: the loop in a product's order.
        needs: what waits for people.
        runs: the last time that each job did something; absent: never.
    """

    at: datetime
    days: list[Day]
    backlogs: list[Backlog]
    pending: Pending
    models: list[ModelAnswers]
    readings: list[Reading]
    latency: list[Latency]
    latency_since: datetime
    stages: list[Standing]
    needs: Needs
    runs: dict[str, Run]


class TrendsService:
    """Answers for every page that looks.

    Args:
        readers: sessions for asking the database.
        serving: what this process serves.
        instruments: what this process counted.
        loop: when waiting labels become a retraining.
        reports_folder: where the monthly reports lie.
        fresh_s: seconds for which one answer is told to everybody who looks.
    """

    def __init__(
        self,
        readers: sessionmaker[Session],
        serving: ServingEngine,
        instruments: Instruments,
        loop: LoopSettings,
        reports_folder: Path,
        *,
        fresh_s: float = _FRESH_S,
    ) -> None:
        self._readers = readers
        self._serving = serving
        self._instruments = instruments
        self._loop = loop
        self._reports = reports_folder
        self._fresh_s = fresh_s
        self._over: dict[date, Day] = {}
        self._kept: dict[int, tuple[float, Trends]] = {}
        self._counting = threading.Lock()

    def read(self, days: int) -> Trends:
        """The last ``days`` days (1 to ``MOST_DAYS``), today among them; at most ``fresh_s`` seconds old."""
        with self._counting:
            kept = self._kept.get(days)
            if kept is None or time.monotonic() - kept[0] > self._fresh_s:
                found = self._read(days)
                self._kept[days] = kept = time.monotonic(), found
            return kept[1]

    def _read(self, count: int) -> Trends:
        now = self._ask(trends.clock)
        days = self._days(now, count)
        pending = self._ask(trends.pending)
        released = self._ask(promotions.current)
        asked = self._ask(lambda session: loop_status.asked(session, epoch=released.epoch if released else 0))
        return Trends(
            at=now.replace(tzinfo=UTC),
            days=days,
            backlogs=backlogs(days, pending.by_day),
            pending=pending,
            models=answers_by_model(days, at_least=_WORTH_SHOWING, most=_MODELS_SHOWN),
            readings=self._ask(lambda session: trends.readings(session, now - timedelta(days=count))),
            latency=latencies(self._instruments.request_times()),
            latency_since=self._instruments.since,
            stages=self._stages(now, days[-1].sent, pending, released, asked),
            needs=Needs(
                pending=pending.rows,
                second_opinions=self._ask(second_opinions.waiting),
                disputed=self._ask(trends.disputed),
                challenger=asked.package if asked else None,
            ),
            runs=self._runs(released),
        )

    def _stages(
        self, now: datetime, sent_today: int, pending: Pending, released: Promotion | None, asked: Asked | None
    ) -> list[Standing]:
        refusal = self._serving.refusal
        return stages_of(
            now,
            sent_today=sent_today,
            pending=pending,
            labels=self._ask(outbox.waiting),
            untrained=self._ask(loop_status.untrained),
            asked=asked,
            released=released,
            served_epoch=self._serving.epoch,
            refused=refusal.code if refusal else None,
            leaving=self._ask(archive.backlog),
            max_age_s=self._loop.max_age_s,
        )

    def _runs(self, released: Promotion | None) -> dict[str, Run]:
        runs = self._ask(loop_status.last_runs)
        if released is not None:
            runs["promote"] = Run(released.created_at, {"kind": released.kind, "epoch": released.epoch})
        wish = self._ask(retrain_requests.newest)
        if wish is not None:
            runs["retrain_request"] = Run(wish.request.requested_at, {"taken": wish.request.taken_at is not None})
        written = reports.every(self._reports)
        if written:
            made_at = written[0].made_at.replace(tzinfo=None)
            runs["report"] = Run(made_at, {"name": written[0].name, "month": written[0].month})
        return runs

    def _days(self, now: datetime, count: int) -> list[Day]:
        today = now.date()
        wanted = [today - timedelta(days=ago) for ago in reversed(range(count))]
        return [self._day(day, is_over=(now - _OVER_AFTER).date() > day) for day in wanted]

    def _day(self, day: date, *, is_over: bool) -> Day:
        if day in self._over:
            return self._over[day]
        answers = self._ask(lambda session: trends.answers(session, day))
        found = self._ask(lambda session: day_of(day, answers, trends.decisions(session, day)))
        if is_over:
            self._over[day] = found
            self._forget(before=day - timedelta(days=2 * MOST_DAYS))
        return found

    def _forget(self, *, before: date) -> None:
        for day in [known for known in self._over if known < before]:
            del self._over[day]

    def _ask(self, question: Callable[[Session], _Found]) -> _Found:
        """One question, one transaction: on SQLite, whoever commits waits for all that is open."""
        with self._readers() as session:
            return question(session)
