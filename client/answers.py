"""The service's answers as frozen dataclasses. Fields that a newer service adds are ignored."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Candidate:
    """One category with its calibrated confidence in [0, 1]."""

    prdtypecode: int
    label: str
    theme: str
    confidence: float


@dataclass(frozen=True, slots=True)
class ServedBy:
    """The model that made a suggestion: its name, the package's sha256 and the release epoch."""

    name: str
    version: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Prediction:
    """One staged product: the model's suggestion, which never changes, and where it stands in the review.

    Attributes:
        prdtypecode: the current code: the suggestion, until a reviewer modifies it.
        suggested_code: what the model said.
        top_k: the model's best categories, best first.
        experts: each expert's best ``(prdtypecode, confidence)``, best first.
        status: pending, validated, ingested, rejected, archived or retracted.
        version: raised by every change.
        document: the answer as it came.
    """

    id: str
    designation: str
    description: str | None
    prdtypecode: int
    suggested_code: int
    label: str
    theme: str
    confidence: float
    top_k: tuple[Candidate, ...]
    experts: Mapping[str, tuple[tuple[int, float], ...]]
    modality: str
    has_image: bool
    model: ServedBy
    taxonomy_version: str
    status: str
    version: int
    document: Mapping[str, Any]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Prediction":
        """Read a ``PredictionRead``."""
        return cls(
            id=document["id"],
            designation=document["designation"],
            description=document.get("description"),
            prdtypecode=document["prdtypecode"],
            suggested_code=document["suggested_code"],
            label=document["label"],
            theme=document["theme"],
            confidence=document["confidence"],
            top_k=tuple(
                Candidate(c["prdtypecode"], c["label"], c["theme"], c["confidence"]) for c in document["top_k"]
            ),
            experts={
                name: tuple((c["prdtypecode"], c["confidence"]) for c in candidates)
                for name, candidates in (document.get("experts") or {}).items()
            },
            modality=document["modality"],
            has_image=document["has_image"],
            model=ServedBy(document["model"]["name"], document["model"]["version"], document["model"]["epoch"]),
            taxonomy_version=document["taxonomy_version"],
            status=document["status"],
            version=document["version"],
            document=document,
        )


@dataclass(frozen=True, slots=True)
class PredictionPage:
    """Some predictions and the cursor of the next page, None on the last one."""

    items: tuple[Prediction, ...]
    next_cursor: str | None


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
class Decision:
    """One of several decisions: accept ``id`` with its current code or ``prdtypecode``, or reject it.

    ``version`` is the only version it may be made on; None takes whichever there is.
    """

    id: str
    accept: bool = True
    prdtypecode: int | None = None
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
