"""What the quality route gives."""

from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from core.db.models import QualityEpisode, QualityReading
from core.domain.watch import Finding, Watched

_NEWEST = 2**53 - 1  # the largest number that every reader of JSON knows


class QualityQuery(BaseModel):
    """Which readings somebody wants to see."""

    model_config = ConfigDict(extra="forbid")

    kind: Watched | None = None
    before: Annotated[int, Field(ge=1, le=_NEWEST, description="the next of the page before this one")] = _NEWEST
    limit: Annotated[int, Field(ge=1, le=100)] = 20


class ReadingRead(BaseModel):
    """One figure and what it says.

    ``value`` is, by ``kind``: the share of right answers (``accuracy``), the expected calibration error
    (``calibration``), the share of the spread among products that is new (``text``, ``images``); all in [0, 1].
    ``low`` to ``high`` is its 95 % interval, ``chance`` the test's p-value, where there is one. ``rows`` verdicts or
    products were looked at. ``model_version`` is null where the figure is about no single package. ``detail`` has
    further figures, by kind.
    """

    id: int
    kind: Watched
    at: datetime
    model_version: str | None
    rows: int
    value: float
    low: float | None
    high: float | None
    threshold: float
    chance: float | None
    finding: Finding
    detail: dict[str, Any]

    @classmethod
    def of(cls, row: QualityReading) -> Self:
        """Render a row."""
        names = ("id", "kind", "model_version", "rows", "value", "low", "high", "threshold", "chance", "finding")
        return cls(at=row.at.replace(tzinfo=UTC), detail=row.detail, **{name: getattr(row, name) for name in names})


class EpisodeRead(BaseModel):
    """The newest time that something was wrong: it lasts while ``ended_at`` is null, and was told ``told`` times."""

    kind: Watched
    begun_at: datetime
    told_at: datetime
    told: int
    ended_at: datetime | None

    @classmethod
    def of(cls, row: QualityEpisode) -> Self:
        """Render a row."""
        return cls(
            kind=Watched(row.kind),
            begun_at=row.begun_at.replace(tzinfo=UTC),
            told_at=row.told_at.replace(tzinfo=UTC),
            told=row.told,
            ended_at=row.ended_at.replace(tzinfo=UTC) if row.ended_at is not None else None,
        )


class QualityPage(BaseModel):
    """The newest reading of each kind, their episodes, and readings over time, newest first.

    ``next`` is what ``before`` takes for the page after this one, null on the last.
    """

    newest: list[ReadingRead]
    episodes: list[EpisodeRead]
    items: list[ReadingRead]
    next: int | None
