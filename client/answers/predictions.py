"""Predictions as the service tells them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


Ranking = tuple[tuple[int, float], ...]
"""``(prdtypecode, confidence)`` pairs, best first."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What the sender said of an answer: ``confirmed``, ``proposed`` (another code) or ``disputed``."""

    kind: str
    prdtypecode: int | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Prediction:
    """One staged product: the model's suggestion, which never changes, and where it stands in the review.

    Attributes:
        prdtypecode: the current code: the suggestion, until a reviewer modifies it.
        suggested_code: what the model said.
        top_k: the model's best categories, best first.
        experts: each expert's best answers.
        text: the best answers by the text alone; None where there is none.
        image: the best answers by the photo alone; None where there is none.
        status: pending, validated, ingested, rejected, archived or retracted.
        version: raised by every change.
        final_code: the code that a person accepted; None where nobody has.
        feedback: what its sender said of the answer, or None.
        second_opinion: whether the accepted label looks wrong and another person should look.
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
    experts: Mapping[str, Ranking]
    text: Ranking | None
    image: Ranking | None
    modality: str
    language: str
    has_image: bool
    model: ServedBy
    taxonomy_version: str
    status: str
    version: int
    final_code: int | None
    feedback: Feedback | None
    second_opinion: bool
    document: Mapping[str, Any]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Prediction":
        """Read a ``PredictionRead``."""
        return cls(
            id=document["id"],
            designation=document["designation"] or "",
            description=document.get("description"),
            prdtypecode=document["prdtypecode"],
            suggested_code=document["suggested_code"],
            label=document["label"],
            theme=document["theme"],
            confidence=document["confidence"],
            top_k=tuple(
                Candidate(c["prdtypecode"], c["label"], c["theme"], c["confidence"]) for c in document["top_k"]
            ),
            experts={name: _ranking(best) for name, best in (document.get("experts") or {}).items()},
            text=_ranking_or_none(document.get("text")),
            image=_ranking_or_none(document.get("image")),
            modality=document["modality"],
            language=document.get("language", "unknown"),
            has_image=document["has_image"],
            model=ServedBy(document["model"]["name"], document["model"]["version"], document["model"]["epoch"]),
            taxonomy_version=document["taxonomy_version"],
            status=document["status"],
            version=document["version"],
            final_code=document.get("final_code"),
            feedback=_feedback(document.get("feedback")),
            second_opinion=document.get("second_opinion") is not None,
            document=document,
        )


@dataclass(frozen=True, slots=True)
class PredictionPage:
    """Some predictions.

    Attributes:
        next_cursor: of the next page; None on the last one.
        next_since: for a caller that polls: the ``updated_since`` to ask with next time; None where it was not asked.
    """

    items: tuple[Prediction, ...]
    next_cursor: str | None
    next_since: str | None = None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "PredictionPage":
        """Read the answer of ``GET /predictions``."""
        items = tuple(Prediction.from_json(item) for item in document["items"])
        return cls(items, document["next_cursor"], document.get("next_since"))


def _ranking(best: Sequence[Mapping[str, Any]]) -> Ranking:
    return tuple((one["prdtypecode"], one["confidence"]) for one in best)


def _ranking_or_none(best: Sequence[Mapping[str, Any]] | None) -> Ranking | None:
    return None if best is None else _ranking(best)


def _feedback(document: Mapping[str, Any] | None) -> Feedback | None:
    return document and Feedback(document["kind"], document.get("prdtypecode"), document.get("reason"))
