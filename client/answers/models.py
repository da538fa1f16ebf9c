"""Models and releases as the service tells them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Champion:
    """The release that is served. ``weighted_f1`` in [0, 1] was measured when it was promoted."""

    name: str
    version: str
    epoch: int
    weighted_f1: float | None
    promoted_at: str
    taxonomy_version: str
    run_id: str | None
    document: Mapping[str, Any]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Champion":
        """Read the answer of ``GET /models/champion``."""
        return cls(
            name=document["name"],
            version=document["version"],
            epoch=document["epoch"],
            weighted_f1=document.get("weighted_f1"),
            promoted_at=document["promoted_at"],
            taxonomy_version=document["taxonomy_version"],
            run_id=document.get("run_id"),
            document=document,
        )


@dataclass(frozen=True, slots=True)
class Served:
    """The release that answers: its epoch, the model that answers unless another is asked for, and every model."""

    epoch: int
    default: str
    models: tuple[Mapping[str, Any], ...]
    document: Mapping[str, Any]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Served":
        """Read the answer of ``GET /models``."""
        return cls(document["epoch"], document["default"], tuple(document["models"]), document)


@dataclass(frozen=True, slots=True)
class Release:
    """One row of the ledger: since ``epoch``, these models (package sha256 by name) answer.

    ``kind`` is first, gate, approved, manual or rollback.
    """

    epoch: int
    kind: str
    models: Mapping[str, str]
    reason: str
    document: Mapping[str, Any]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Release":
        """Read one row of the ledger."""
        return cls(document["epoch"], document["kind"], document["models"], document["reason"], document)


@dataclass(frozen=True, slots=True)
class Retraining:
    """A wish for a retraining: waiting, taken by a run, or judged."""

    id: str
    state: str
    reason: str
    document: Mapping[str, Any]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Retraining":
        """Read the answer of ``POST /retrain`` or ``GET /retrain``."""
        return cls(document["id"], document["state"], document["reason"], document)
