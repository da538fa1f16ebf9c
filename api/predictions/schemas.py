"""What the prediction routes take and give."""

import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Self

from fastapi import UploadFile
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.text import storable
from core.db.models import Prediction
from core.domain.feedback import Feedback
from core.domain.language import Language
from core.domain.review import RETRACT
from core.domain.taxonomy import Taxonomy

MAX_DESIGNATION = 1_000  # characters
MAX_DESCRIPTION = 5_000  # characters
MOST_CANDIDATES = 10

# Letters and symbols that show nothing, besides what Unicode calls separators and controls.
_ACCEPTED = RETRACT.allowed  # where a label stands that may be taken back
_BLANK_GLYPHS = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def _visible(text: str) -> str:
    if not any(unicodedata.category(char)[0] not in "CZ" and char not in _BLANK_GLYPHS for char in text):
        raise ValueError("text shows nothing")
    return text


Designation = Annotated[
    str, Field(min_length=1, max_length=MAX_DESIGNATION), AfterValidator(storable), AfterValidator(_visible)
]
Description = Annotated[str, Field(max_length=MAX_DESCRIPTION), AfterValidator(storable)]


ModelName = Annotated[str, Field(max_length=64, description="a served model's name; without one the default answers")]


class PredictForm(BaseModel):
    """A product to classify. Text is stored as sent."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    designation: Annotated[Designation | None, Field(description="needed by every model that reads text")] = None
    description: Description | None = None
    image: Annotated[UploadFile | None, Field(description="JPEG, PNG or WEBP, by content")] = None
    model: ModelName | None = None
    top_k: Annotated[int, Field(ge=1, le=MOST_CANDIDATES, description="how many of the best answers to give")] = 3


class Score(BaseModel):
    """A category's code with a probability in [0, 1]."""

    prdtypecode: int
    confidence: float


class Candidate(Score):
    """One of the model's best answers."""

    label: str
    theme: str


class ServedBy(BaseModel):
    """The model that answered: its name, its package's sha256 and the release epoch."""

    name: str
    version: str
    epoch: int


class SecondOpinion(BaseModel):
    """Why an accepted label looks wrong: what the product looks like instead, and how well the label fits, 0 to 1."""

    prdtypecode: int
    label: str
    theme: str
    label_quality: float

    @classmethod
    def from_row(cls, row: Prediction, taxonomy: Taxonomy) -> Self | None:
        """Render the mark; None where there is none."""
        if not row.second_opinion or row.alternative_code is None or row.label_quality is None:
            return None
        label, theme = names_of(row.alternative_code, taxonomy)
        return cls(prdtypecode=row.alternative_code, label=label, theme=theme, label_quality=row.label_quality)


class FeedbackRead(BaseModel):
    """What the sender said of the answer, and when; ``prdtypecode`` is the code that they hold right."""

    kind: Feedback
    prdtypecode: int | None
    reason: str | None
    at: datetime

    @classmethod
    def from_row(cls, row: Prediction) -> Self | None:
        """Render what the sender said; None where they said nothing."""
        if row.feedback is None or row.feedback_at is None:
            return None
        return cls(
            kind=Feedback(row.feedback),
            prdtypecode=row.feedback_code,
            reason=row.feedback_reason,
            at=row.feedback_at.replace(tzinfo=UTC),
        )


class PredictionRead(BaseModel):
    """A staged product: the model's suggestion, which never changes, and where it stands in the review.

    ``prdtypecode``, ``label`` and ``theme`` are the current code's; ``confidence``, ``top_k``, ``experts``
    and ``suggested_code`` are the model's, and so are ``text`` and ``image``: the best answers by one half of the
    product alone, null where it was not sent or the model learnt nothing from it alone. ``final_code`` is the code
    that a person accepted, null where nobody has. A code that has left the taxonomy has an empty label and theme.
    ``language`` is likely that of the text, or ``unknown``.
    """

    id: str
    created_at: datetime
    updated_at: datetime
    designation: str
    description: str | None
    has_image: bool
    modality: str
    language: Language
    prdtypecode: int
    label: str
    theme: str
    confidence: float
    top_k: list[Candidate]
    experts: dict[str, list[Score]]
    text: list[Score] | None
    image: list[Score] | None
    suggested_code: int
    model: ServedBy
    taxonomy_version: str
    status: str
    version: int
    owner: str
    final_code: int | None
    feedback: FeedbackRead | None
    second_opinion: SecondOpinion | None

    @classmethod
    def from_row(cls, row: Prediction, taxonomy: Taxonomy, *, top_k: int | None = None) -> Self:
        """Render a staged row with the labels of the active taxonomy; ``top_k`` None shows every kept answer."""
        label, theme = names_of(row.current_code, taxonomy)
        return cls(
            id=row.id,
            created_at=row.created_at.replace(tzinfo=UTC),
            updated_at=row.updated_at.replace(tzinfo=UTC),
            designation=row.designation,
            description=row.description,
            has_image=row.image_sha256 is not None,
            modality=row.modality,
            language=Language(row.language),
            prdtypecode=row.current_code,
            label=label,
            theme=theme,
            confidence=row.confidence,
            top_k=[_candidate(code, probability, taxonomy) for code, probability in row.answer["top_k"][:top_k]],
            experts={name: _scores(best[:top_k]) for name, best in row.answer["experts"].items()},
            text=_scores_or_none(row.answer.get("text"), top_k),
            image=_scores_or_none(row.answer.get("image"), top_k),
            suggested_code=row.suggested_code,
            model=ServedBy(name=row.model_name, version=row.model_version, epoch=row.epoch),
            taxonomy_version=row.taxonomy_version,
            status=row.status,
            version=row.version,
            owner=row.owner_id,
            final_code=final_code(row),
            feedback=FeedbackRead.from_row(row),
            second_opinion=SecondOpinion.from_row(row, taxonomy),
        )


class PredictionPage(BaseModel):
    """Some predictions; ``next_cursor`` is null on the last page.

    Whoever polls asks next for what has changed since ``next_since``, the same on every page of a list: it is far
    enough back that no change is missed, so some come twice.
    """

    items: list[PredictionRead]
    next_cursor: str | None
    next_since: datetime


def _scores(best: Sequence[tuple[int, float]]) -> list[Score]:
    return [Score(prdtypecode=code, confidence=probability) for code, probability in best]


def _scores_or_none(best: Sequence[tuple[int, float]] | None, top_k: int | None) -> list[Score] | None:
    return None if best is None else _scores(best[:top_k])


def _candidate(code: int, probability: float, taxonomy: Taxonomy) -> Candidate:
    label, theme = names_of(code, taxonomy)
    return Candidate(prdtypecode=code, confidence=probability, label=label, theme=theme)


def final_code(row: Prediction) -> int | None:
    """The code that a person accepted; None where nobody has."""
    return row.current_code if row.status in _ACCEPTED else None


def names_of(code: int, taxonomy: Taxonomy) -> tuple[str, str]:
    """The label and the theme of a code; both empty where it has left the taxonomy."""
    if code not in taxonomy:
        return "", ""
    category = taxonomy.require(code)
    return category.label, category.theme
