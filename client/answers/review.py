"""Decisions as the service takes and tells them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from client.answers.predictions import Prediction


@dataclass(frozen=True, slots=True)
class Decision:
    """One of several decisions: accept ``id`` with its current code or ``prdtypecode``, or reject it.

    ``version`` is the only version it may be made on; None takes whichever there is.
    """

    id: str
    accept: bool = True
    prdtypecode: int | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Undoing:
    """One of several verdicts to undo; ``version`` is the only one it may be undone on, None takes any."""

    id: str
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """A product to review, kept for this person until ``leased_until``; others may still decide it."""

    prediction: Prediction
    leased_until: datetime

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Lease":
        """Read the answer of ``GET /review/next``."""
        return cls(Prediction.from_json(document), datetime.fromisoformat(document["leased_until"]))


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """One decision on a prediction. ``reviewer`` is None for those who are not told."""

    version: int
    action: str
    prdtypecode: int | None
    reason: str | None
    decided_at: datetime
    reviewer: str | None
    document: Mapping[str, Any]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "VerdictRecord":
        """Read one item of a history."""
        return cls(
            version=document["version"],
            action=document["action"],
            prdtypecode=document.get("prdtypecode"),
            reason=document.get("reason"),
            decided_at=datetime.fromisoformat(document["decided_at"]),
            reviewer=document.get("reviewer"),
            document=document,
        )


@dataclass(frozen=True, slots=True)
class Retraction:
    """What taking a person's labels back did.

    Attributes:
        withdrawn: labels that never reached the training store.
        retracted: labels whose rows leave it with the next snapshot.
        by_split: both, by the part of the data they belong to.
        models: the released models that learnt from such labels: name, version, epoch, manifest, served.
    """

    reviewer: str
    withdrawn: int
    retracted: int
    by_split: Mapping[str, int]
    models: tuple[Mapping[str, Any], ...]
    dry_run: bool
    document: Mapping[str, Any]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Retraction":
        """Read the answer of ``POST /admin/retractions``."""
        return cls(
            reviewer=document["reviewer"],
            withdrawn=document["withdrawn"],
            retracted=document["retracted"],
            by_split=document["by_split"],
            models=tuple(document["models"]),
            dry_run=document["dry_run"],
            document=document,
        )
