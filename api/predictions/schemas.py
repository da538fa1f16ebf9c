"""What the prediction routes take and give."""

import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Self

from fastapi import UploadFile
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from core.db.models import Prediction
from core.domain.taxonomy import Taxonomy

MAX_DESIGNATION = 1_000  # characters
MAX_DESCRIPTION = 5_000  # characters

# Letters and symbols that show nothing, besides what Unicode calls separators and controls.
_BLANK_GLYPHS = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("text holds a NUL character")
    return text


def _visible(text: str) -> str:
    if not any(unicodedata.category(char)[0] not in "CZ" and char not in _BLANK_GLYPHS for char in text):
        raise ValueError("text shows nothing")
    return text


Designation = Annotated[
    str, Field(min_length=1, max_length=MAX_DESIGNATION), AfterValidator(_storable), AfterValidator(_visible)
]
Description = Annotated[str, Field(max_length=MAX_DESCRIPTION), AfterValidator(_storable)]


ModelName = Annotated[str, Field(max_length=64, description="a served model's name; without one the default answers")]


class PredictForm(BaseModel):
    """A product to classify. Text is stored as sent."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    designation: Designation
    description: Description | None = None
    image: Annotated[UploadFile | None, Field(description="JPEG, PNG or WEBP, by content")] = None
    model: ModelName | None = None


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
        label, theme = _names(row.alternative_code, taxonomy)
        return cls(prdtypecode=row.alternative_code, label=label, theme=theme, label_quality=row.label_quality)


class PredictionRead(BaseModel):
    """A staged product: the model's suggestion, which never changes, and where it stands in the review.

    ``prdtypecode``, ``label`` and ``theme`` are the current code's; ``confidence``, ``top_k``, ``experts``
    and ``suggested_code`` are the model's. A code that has left the taxonomy has an empty label and theme.
    """

    id: str
    created_at: datetime
    updated_at: datetime
    designation: str
    description: str | None
    has_image: bool
    modality: str
    prdtypecode: int
    label: str
    theme: str
    confidence: float
    top_k: list[Candidate]
    experts: dict[str, list[Score]]
    suggested_code: int
    model: ServedBy
    taxonomy_version: str
    status: str
    version: int
    owner: str
    second_opinion: SecondOpinion | None

    @classmethod
    def from_row(cls, row: Prediction, taxonomy: Taxonomy) -> Self:
        """Render a staged row with the labels of the active taxonomy."""
        label, theme = _names(row.current_code, taxonomy)
        return cls(
            id=row.id,
            created_at=row.created_at.replace(tzinfo=UTC),
            updated_at=row.updated_at.replace(tzinfo=UTC),
            designation=row.designation,
            description=row.description,
            has_image=row.image_sha256 is not None,
            modality=row.modality,
            prdtypecode=row.current_code,
            label=label,
            theme=theme,
            confidence=row.confidence,
            top_k=[_candidate(code, probability, taxonomy) for code, probability in row.answer["top_k"]],
            experts={
                name: [Score(prdtypecode=code, confidence=probability) for code, probability in best]
                for name, best in row.answer["experts"].items()
            },
            suggested_code=row.suggested_code,
            model=ServedBy(name=row.model_name, version=row.model_version, epoch=row.epoch),
            taxonomy_version=row.taxonomy_version,
            status=row.status,
            version=row.version,
            owner=row.owner_id,
            second_opinion=SecondOpinion.from_row(row, taxonomy),
        )


class PredictionPage(BaseModel):
    """Some predictions; ``next_cursor`` is null on the last page."""

    items: list[PredictionRead]
    next_cursor: str | None


def _candidate(code: int, probability: float, taxonomy: Taxonomy) -> Candidate:
    label, theme = _names(code, taxonomy)
    return Candidate(prdtypecode=code, confidence=probability, label=label, theme=theme)


def _names(code: int, taxonomy: Taxonomy) -> tuple[str, str]:
    if code not in taxonomy:
        return "", ""
    category = taxonomy.require(code)
    return category.label, category.theme
