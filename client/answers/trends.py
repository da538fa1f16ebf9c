"""What the loop did day by day and where it stands, as the service tells it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the loop: what waits there, for how many seconds, and well, slow, stuck or asks (a person)."""

    stage: str
    waiting: int
    oldest_age_s: float
    state: str


@dataclass(frozen=True, slots=True)
class Trends:
    """What happened and what waits; ``at`` is ISO 8601.

    ``days`` are as they came, oldest first: products sent, verdicts by action, override rate, backlog.
    ``needs`` counts what only people can do.
    """

    at: str
    days: tuple[Mapping[str, Any], ...]
    stages: tuple[Stage, ...]
    needs: Mapping[str, Any]
    document: Mapping[str, Any]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Trends":
        """Read the answer of ``GET /trends``."""
        names = ("stage", "waiting", "oldest_age_s", "state")
        return cls(
            at=document["at"],
            days=tuple(document["days"]),
            stages=tuple(Stage(**{name: one[name] for name in names}) for one in document["stages"]),
            needs=document["needs"],
            document=document,
        )
