"""What the trends route gives."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from api.trends.service import MOST_DAYS, Trends
from core.domain import trends
from core.domain.loop_state import Stage, State
from core.domain.trends import Backlog, Day


class TrendsQuery(BaseModel):
    """How far back somebody wants to look."""

    model_config = ConfigDict(extra="forbid")

    days: Annotated[int, Field(ge=1, le=MOST_DAYS, description="days (UTC), today among them")] = 30


class ShareRead(BaseModel):
    """A share that was counted, with Wilson's 95 % interval; all in [0, 1]."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, share: trends.Share | None) -> Self | None:
        """Render one that is known."""
        return None if share is None else cls(value=share.value, low=share.low, high=share.high)


class BacklogRead(BaseModel):
    """Products that waited at the end of a day (today: now), and how many days the oldest and the middle one had."""

    rows: int
    oldest_days: int
    median_days: int

    @classmethod
    def of(cls, backlog: Backlog) -> Self:
        """Render one."""
        return cls(rows=backlog.rows, oldest_days=backlog.oldest_days, median_days=backlog.median_days)


class DayRead(BaseModel):
    """One day (UTC).

    ``verdicts`` counts them by action. ``overridden`` of the accepted products got another code than the model's.
    ``median_age_s``: of the products that were decided that day, how many seconds half of them had waited at most.
    """

    day: date
    sent: int
    verdicts: dict[str, int]
    overridden: int
    override_rate: ShareRead | None
    median_age_s: float | None
    backlog: BacklogRead

    @classmethod
    def of(cls, day: Day, backlog: Backlog) -> Self:
        """Render one."""
        return cls(
            day=day.day,
            sent=day.sent,
            verdicts={action: day.decided(action) for action in sorted({name for name, _ in day.kinds})},
            overridden=day.overridden,
            override_rate=ShareRead.of(trends.override_rate([day])),
            median_age_s=day.median_age_s,
            backlog=BacklogRead.of(backlog),
        )


class PendingRead(BaseModel):
    """The queue now: how many, and since when the first, the middle one and nine in ten of them have waited."""

    rows: int
    oldest_at: datetime | None
    median_at: datetime | None
    late_at: datetime | None


class ModelAnswersRead(BaseModel):
    """What one package answered in these days: ``confidence`` counts by tenth, ``classes`` by category."""

    model: str
    version: str
    rows: int
    confidence: list[int]
    classes: dict[int, int]


class LatencyRead(BaseModel):
    """Requests of one group and the seconds in which half, 95 % and 99 % of them were answered."""

    group: str
    requests: int
    p50_s: float
    p95_s: float
    p99_s: float


class ProcessLatency(BaseModel):
    """How long the process that answers this has taken since it started; other processes have figures of their own."""

    since: datetime
    groups: list[LatencyRead]


class StageRead(BaseModel):
    """One stage of the loop.

    ``waiting`` products, rows or releases are there (``sent``: came in today), the first for ``oldest_age_s`` seconds
    (``serve``: since the last release). ``asks``: it waits for a person.
    """

    stage: Stage
    waiting: int
    oldest_age_s: float
    state: State


class NeedsRead(BaseModel):
    """What only people can do; ``challenger`` is the beginning of the sha256 of a package in the gate's grey zone."""

    pending: int
    second_opinions: int
    disputed: int
    challenger: str | None


class RunRead(BaseModel):
    """The last time that a job did something, and what came of it."""

    at: datetime
    came: dict[str, Any]


class TrendsRead(BaseModel):
    """What the loop did day by day, oldest first, and where it stands at ``at``.

    Products and verdicts of the service's own check are in no figure. ``runs`` is by job; one that never did anything
    is absent.
    """

    at: datetime
    days: list[DayRead]
    override_rate: ShareRead | None
    pending: PendingRead
    models: list[ModelAnswersRead]
    latency: ProcessLatency
    stages: list[StageRead]
    needs: NeedsRead
    runs: dict[str, RunRead]

    @classmethod
    def of(cls, found: Trends) -> Self:
        """Render what was found."""
        return cls(
            at=found.at,
            days=[DayRead.of(day, backlog) for day, backlog in zip(found.days, found.backlogs, strict=True)],
            override_rate=ShareRead.of(trends.override_rate(found.days)),
            pending=PendingRead(
                rows=found.pending.rows,
                oldest_at=_zoned(found.pending.oldest_at),
                median_at=_zoned(found.pending.median_at),
                late_at=_zoned(found.pending.late_at),
            ),
            models=[_rendered(ModelAnswersRead, one, "model version rows confidence classes") for one in found.models],
            latency=ProcessLatency(
                since=found.latency_since,
                groups=[_rendered(LatencyRead, one, "group requests p50_s p95_s p99_s") for one in found.latency],
            ),
            stages=[_rendered(StageRead, one, "stage waiting oldest_age_s state") for one in found.stages],
            needs=_rendered(NeedsRead, found.needs, "pending second_opinions disputed challenger"),
            runs={name: RunRead(at=_zoned(run.at), came=dict(run.came)) for name, run in sorted(found.runs.items())},
        )


def _rendered(schema: type[Any], found: object, names: str) -> Any:
    return schema(**{name: getattr(found, name) for name in names.split()})


def _zoned(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None else None
