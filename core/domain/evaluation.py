"""What a judgement measured beside what it decided: two models' answers to the same products, small enough for a row.

It is written by the judgement and shown to people. No text of a product is in it: products are named by their place in
the training store, so that one that is retracted is seen nowhere from then on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

MOST_CLASSES = 64
"""With more classes the confusion tables are left out: they grow with the square."""


class Change(StrEnum):
    """What became of a product that two models answer differently."""

    MENDED = "mended"  # only the challenger is right
    BROKEN = "broken"  # only the champion was right
    STILL_WRONG = "still wrong"  # neither is


@dataclass(frozen=True, slots=True)
class Figures:
    """One model's answers.

    Attributes:
        package: its sha256.
        scores: by the names of docs/evaluation.md, in [0, 1] but for ``negative_log_likelihood``.
        f1, low, high: of each class with the ends of its 95 % interval, in the order of the evaluation's ``codes``.
        confusion: rows by true class, columns by answered class, both in that order; None with too many classes.
        latency_s: median seconds for one answer; None where it was not timed.
    """

    package: str
    scores: Mapping[str, float]
    f1: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    confusion: Sequence[Sequence[int]] | None
    latency_s: float | None


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the products: weighted F1 of both models in [0, 1].

    Attributes:
        name: by the names of docs/evaluation.md, such as ``text-only``, ``from-image-only`` or ``language-fr``.
        rows: how many.
    """

    name: str
    rows: int
    challenger: float
    champion: float | None


@dataclass(frozen=True, slots=True)
class ChangedProduct:
    """A product that both models answer differently.

    Attributes:
        segment, row: its place in the training store.
        product_id: the catalogue's id, or the prediction's.
        truth: the accepted code.
        champion, challenger: what they answer, with their confidence in [0, 1].
    """

    segment: str
    row: int
    product_id: str
    change: Change
    truth: int
    champion: int
    champion_confidence: float
    challenger: int
    challenger_confidence: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A challenger and, where there is one, the champion on the same products.

    Attributes:
        manifest: the snapshot whose hold-out and fresh rows they are.
        rows: how many.
        codes: every class that is true or can be answered, ascending.
        support: rows of each.
        parts: weighted F1 on parts of them.
        changes: how many products are answered differently now, by kind.
        examples: the surest answers among those, some of each kind.
    """

    manifest: int
    rows: int
    codes: Sequence[int]
    support: Sequence[int]
    challenger: Figures
    champion: Figures | None
    parts: Sequence[Part]
    changes: Mapping[Change, int]
    examples: Sequence[ChangedProduct]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` gave."""
        champion = document["champion"]
        parsed = {
            "challenger": Figures(**document["challenger"]),
            "champion": Figures(**champion) if champion else None,
            "parts": [Part(**one) for one in document["parts"]],
            "changes": {Change(kind): count for kind, count in document["changes"].items()},
            "examples": [ChangedProduct(**{**one, "change": Change(one["change"])}) for one in document["examples"]],
        }
        return cls(**{**document, **parsed})
