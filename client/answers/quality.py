"""What the watch over the model's answers has read, as the service tells it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Reading:
    """One figure: ``kind`` is accuracy, calibration, text or images; ``finding`` is well, alarm or unsure."""

    kind: str
    at: str
    value: float
    low: float | None
    high: float | None
    threshold: float
    finding: str
    document: Mapping[str, Any]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Reading":
        """Read one of the readings in the answer of ``GET /quality``."""
        names = ("kind", "at", "value", "low", "high", "threshold", "finding")
        return cls(**{name: document[name] for name in names}, document=document)


@dataclass(frozen=True, slots=True)
class Quality:
    """The newest reading of each kind, the kinds whose alarm lasts, and readings over time, newest first.

    ``next`` is what ``before`` takes for the page after this one, None on the last.
    """

    newest: tuple[Reading, ...]
    alarms: tuple[str, ...]
    readings: tuple[Reading, ...]
    next: int | None
    document: Mapping[str, Any]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Quality":
        """Read the answer of ``GET /quality``."""
        return cls(
            newest=tuple(Reading.from_json(one) for one in document["newest"]),
            alarms=tuple(one["kind"] for one in document["episodes"] if one["ended_at"] is None),
            readings=tuple(Reading.from_json(one) for one in document["items"]),
            next=document["next"],
            document=document,
        )
