"""What the routes about evidence and guidelines give."""

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, Field

from api.evidence.service import Evidence, ShownRow
from api.predictions.schemas import names_of
from core.domain.guidelines import Guideline
from core.domain.product import Modality
from core.domain.taxonomy import Category, Taxonomy


class Half(StrEnum):
    """By what two products were compared."""

    TEXT = "text"
    IMAGE = "image"
    BOTH = "both"


class LabelledRead(BaseModel):
    """A labelled product of the training store. ``row`` names it in the store and in the address of its photo."""

    row: str
    product_id: str
    designation: str
    prdtypecode: int
    label: str
    theme: str
    has_image: bool

    @classmethod
    def of(cls, shown: ShownRow, taxonomy: Taxonomy) -> Self:
        """Render a row with the labels of the active taxonomy."""
        return cls(**_facts(shown, taxonomy))


class NeighbourRead(LabelledRead):
    """A labelled product that is like the one in question.

    ``text_similarity`` and ``image_similarity`` are cosines of what the served model reads of each half, less what all
    products have in common: 1 is the same, 0 is no more alike than any two. Null: one of the two lacks that half.
    ``similarity`` is the mean over the halves of the product in question; a half that the row lacks counts 0.
    """

    similarity: float = Field(ge=-1, le=1)
    text_similarity: float | None = Field(ge=-1, le=1)
    image_similarity: float | None = Field(ge=-1, le=1)
    by: Half

    @classmethod
    def of(cls, shown: ShownRow, taxonomy: Taxonomy) -> Self:
        """Render a row that has a likeness."""
        like = shown.like
        if like is None:
            raise ValueError(f"expected a row with its likeness. Received: {shown.address}")
        both = like.text is not None and like.image is not None
        return cls(
            **_facts(shown, taxonomy),
            similarity=like.similarity,
            text_similarity=like.text,
            image_similarity=like.image,
            by=Half.BOTH if both else Half.IMAGE if like.text is None else Half.TEXT,
        )


class CodeCount(BaseModel):
    """How many of the labelled products have a code."""

    prdtypecode: int
    label: str
    theme: str
    count: int


class EvidenceRead(BaseModel):
    """The labelled products most like one in question, best first, and how many of them have which code.

    ``searched`` of ``rows`` labelled products could be compared: the others' features are not in the cache, or not of
    the served model. ``rows`` is null while they are being counted. ``compared`` are the halves of the product that
    others were compared by.
    """

    prediction_id: str
    items: list[NeighbourRead]
    codes: list[CodeCount]
    compared: list[Half]
    searched: int
    rows: int | None

    @classmethod
    def of(cls, prediction_id: str, evidence: Evidence, taxonomy: Taxonomy) -> Self:
        """Render what was found."""
        halves = ((Modality.TEXT_ONLY, Half.TEXT), (Modality.IMAGE_ONLY, Half.IMAGE))
        counts = [(code, count, *names_of(code, taxonomy)) for code, count in evidence.by_code]
        return cls(
            prediction_id=prediction_id,
            items=[NeighbourRead.of(one, taxonomy) for one in evidence.rows],
            codes=[CodeCount(prdtypecode=code, count=n, label=label, theme=theme) for code, n, label, theme in counts],
            compared=[half for modality, half in halves if modality in evidence.compared],
            searched=evidence.searched,
            rows=evidence.of,
        )


class GuidelineRead(BaseModel):
    """What belongs into a category and what does not, in English and in French."""

    en: str
    fr: str


class GuideRead(BaseModel):
    """What helps to tell a category from others: a guideline, where the shop has one, and typical labelled products."""

    prdtypecode: int
    label: str
    label_fr: str
    theme: str
    guideline: GuidelineRead | None
    examples: list[LabelledRead]

    @classmethod
    def of(cls, category: Category, guideline: Guideline | None, examples: list[ShownRow], taxonomy: Taxonomy) -> Self:
        """Render a category."""
        return cls(
            prdtypecode=category.code,
            label=category.label,
            label_fr=category.label_fr,
            theme=category.theme,
            guideline=GuidelineRead(en=guideline.en, fr=guideline.fr) if guideline else None,
            examples=[LabelledRead.of(one, taxonomy) for one in examples],
        )


def _facts(shown: ShownRow, taxonomy: Taxonomy) -> dict[str, object]:
    label, theme = names_of(shown.row.prdtypecode, taxonomy)
    return {
        "row": str(shown.address),
        "product_id": shown.row.product_id,
        "designation": shown.row.designation,
        "prdtypecode": shown.row.prdtypecode,
        "label": label,
        "theme": theme,
        "has_image": bool(shown.row.image_sha256),
    }
