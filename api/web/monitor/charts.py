"""Charts as templates and ``static/charts.js`` take them: each with a finding in words, and the numbers behind it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Unit = Literal["count", "share", "duration", "seconds", "times"]
Tone = Literal["accent", "good", "bad", "warn", "muted"]
TONES: tuple[Tone, ...] = ("accent", "warn", "good", "muted")
"""For series that are of one kind, in this order; lines also differ in their dashes."""


@dataclass(frozen=True, slots=True)
class Series:
    """One row of figures over a chart's x axis.

    Attributes:
        label: in the reader's language.
        values: as many as the axis has places; None where nothing is known.
        tone: a colour of ``app.css``.
        shape: how it is drawn.
        low, high: ends of an interval around each value, where there is one.
    """

    label: str
    values: Sequence[float | None]
    tone: Tone
    shape: Literal["line", "bar"] = "line"
    low: Sequence[float | None] | None = None
    high: Sequence[float | None] | None = None


@dataclass(frozen=True, slots=True)
class Threshold:
    """A value that the series are held against."""

    label: str
    value: float


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart.

    Attributes:
        id: of its element.
        title: what it is about.
        finding: what it shows, in a sentence.
        axis: what the x axis is; heads the first column of the table.
        series: what is drawn; without any there is nothing to draw yet.
        unit: of the values.
        names: the places of the x axis; None where they are ``times``.
        times: the same in seconds since 1970, evenly apart.
        stacked: whether bars stand on each other.
        thresholds: lines across the chart.
        hint: what one has to know to read it; may be empty.
    """

    id: str
    title: str
    finding: str
    axis: str
    series: Sequence[Series]
    unit: Unit
    names: Sequence[str] | None = None
    times: Sequence[int] | None = None
    stacked: bool = False
    thresholds: Sequence[Threshold] = field(default_factory=tuple)
    hint: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(value is not None for one in self.series for value in one.values)

    def spec(self) -> dict[str, Any]:
        """What the script draws it from."""
        return {
            "unit": self.unit,
            "stacked": self.stacked,
            "axis": self.axis,
            "names": self.names,
            "times": self.times,
            "series": [_series_spec(one) for one in self.series],
            "thresholds": [{"label": one.label, "value": one.value} for one in self.thresholds],
        }


def _series_spec(one: Series) -> dict[str, Any]:
    spec = {"label": one.label, "values": _rounded(one.values), "tone": one.tone, "shape": one.shape}
    if one.low is not None and one.high is not None:
        spec |= {"low": _rounded(one.low), "high": _rounded(one.high)}
    return spec


def _rounded(values: Sequence[float | None]) -> list[float | None]:
    return [value if value is None else round(value, 5) for value in values]
