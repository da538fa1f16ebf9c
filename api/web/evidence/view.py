"""What the parts show of labelled products."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.evidence.service import Evidence, ShownRow
from core.domain.product import Modality

_CLOSENESS = ((0.85, "same"), (0.6, "close"), (0.3, "alike"), (0.1, "little"))
"""From which likeness on which word is said; below them all, ``hardly``."""
_COMPARED = {
    frozenset({Modality.TEXT_ONLY, Modality.IMAGE_ONLY}): "both",
    frozenset({Modality.TEXT_ONLY}): "text",
    frozenset({Modality.IMAGE_ONLY}): "image",
}


@dataclass(frozen=True, slots=True)
class Likeness:
    """How like the product in question a row is.

    Attributes:
        share: 0 to 1; what is less alike than any two products is 0.
        closeness: ``same``, ``close``, ``alike``, ``little`` or ``hardly``.
        by: what of them was compared: ``text``, ``image`` or ``both``.
    """

    share: float
    closeness: str
    by: str


@dataclass(frozen=True, slots=True)
class Labelled:
    """A labelled product; ``row`` names its photo, ``like`` is None for an example."""

    row: str
    title: str
    code: int
    has_image: bool
    like: Likeness | None


@dataclass(frozen=True, slots=True)
class Found:
    """What was found.

    Attributes:
        rows: the most alike first.
        codes: code and how many of the rows have it, the most frequent first.
        compared: ``text``, ``image``, ``both``, or ``nothing``.
        searched: rows that could be compared; ``of``: rows there are, None while they are being counted.
    """

    rows: Sequence[Labelled]
    codes: Sequence[tuple[int, int]]
    compared: str
    searched: int
    of: int | None


def found_of(evidence: Evidence) -> Found:
    """What is shown of evidence."""
    compared = _COMPARED.get(evidence.compared, "nothing")
    return Found(labelled(evidence.rows), evidence.by_code, compared, evidence.searched, evidence.of)


def labelled(rows: Sequence[ShownRow]) -> list[Labelled]:
    """What is shown of rows."""
    return [
        Labelled(
            row=str(one.address),
            title=one.row.designation,
            code=one.row.prdtypecode,
            has_image=bool(one.row.image_sha256),
            like=_likeness(one),
        )
        for one in rows
    ]


def _likeness(shown: ShownRow) -> Likeness | None:
    like = shown.like
    if like is None:
        return None
    share = max(0.0, like.similarity)
    closeness = next((word for least, word in _CLOSENESS if share >= least), "hardly")
    by = "text" if like.image is None else "image" if like.text is None else "both"
    return Likeness(share, closeness, by)
