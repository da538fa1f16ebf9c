"""From which confidence on an answer may stand without a person looking at it.

A threshold promises a *bound*, not an average: with 95 % confidence at least 97 % of the answers above it are right.
It is chosen on rows that the answers were not learnt from (out of fold, or validation) and never on rows that judge
a model. Rows are ordered by confidence; beginning with the surest few hundred, ever more are taken as long as the
one-sided Clopper-Pearson bound of what was taken stays above the promise, and the first failure ends it. Because the
order of the questions is fixed before anybody looks at the answers, asking many of them costs none of the confidence.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from core.domain.product import Modality

PRECISION = 0.97
"""Share of answers above a threshold that are right, at least."""
CONFIDENCE = 0.95
"""How sure the bound is."""
_STEP = 0.025  # of all rows, between two questions
_FIRST = 0.10
_FIRST_ROWS = 400  # fewer could fail the first question by two unlucky rows


@dataclass(frozen=True, slots=True)
class Threshold:
    """One threshold with what it was chosen by.

    Attributes:
        confidence: answers at least this sure may stand, in [0, 1].
        bound: precision above it is at least this, with 95 % confidence.
        precision: what it was on the rows it was chosen on.
        coverage: share of those rows above it.
        rows: how many there were, above and below.
    """

    confidence: float
    bound: float
    precision: float
    coverage: float
    rows: int


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The threshold for each set of halves; those that cannot promise it have none."""

    by_halves: Mapping[Modality, Threshold]

    def to_spec(self) -> dict[str, Any]:
        """Return what ``spec.json`` says under ``thresholds``."""
        return {
            "precision": PRECISION,
            "confidence": CONFIDENCE,
            "by_halves": {half.value: round(one.confidence, 6) for half, one in self.by_halves.items()},
        }

    @classmethod
    def choose(cls, unseen: Mapping[Modality, tuple[NDArray[np.float64], NDArray[np.bool_]]]) -> Self:
        """Choose from ``(confidences, right)`` of rows not learnt from, by the halves answered from."""
        chosen = {half: choose_threshold(*each) for half, each in unseen.items()}
        return cls({half: one for half, one in chosen.items() if one is not None})


@dataclass(frozen=True, slots=True)
class Selected:
    """What a threshold does to rows it was not chosen on.

    Attributes:
        coverage: share of the rows that may stand.
        precision: share of those that are right; None where none may stand.
        bound: with 95 % confidence precision is at least this; 0 where none may stand.
        rows: of all.
    """

    coverage: float
    precision: float | None
    bound: float
    rows: int


def choose_threshold(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> Threshold | None:
    """The lowest threshold that keeps the promise; None where even the surest rows do not.

    Args:
        confidences: ``(n,)`` in [0, 1], of answers to rows not learnt from.
        right: ``(n,)``.
    """
    order = np.argsort(-confidences, kind="stable")
    sure, hits = confidences[order], np.cumsum(right[order])
    best = None
    for taken in _questions(len(order)):
        rows = int(np.searchsorted(-sure, -sure[taken - 1], side="right"))  # equals stand or fall together
        bound = precision_bound(int(hits[rows - 1]), rows)
        if bound < PRECISION:
            break
        share_right, coverage = float(hits[rows - 1] / rows), rows / len(order)
        best = Threshold(float(sure[rows - 1]), bound, share_right, coverage, len(order))
    return best


def _questions(rows: int) -> list[int]:
    """How many of the surest rows are asked about, in order; it depends on nothing but how many there are."""
    shares = np.arange(_FIRST, 1 + _STEP / 2, _STEP)
    asked = {min(max(round(share * rows), _FIRST_ROWS), rows) for share in shares}
    return sorted(asked - {0})


def precision_bound(right: int, rows: int) -> float:
    """Clopper-Pearson: with 95 % confidence the share is at least this, after ``right`` of ``rows``."""
    return float(beta.ppf(1 - CONFIDENCE, right, rows - right + 1)) if right else 0.0


def select(threshold: NDArray[np.float64], confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> Selected:
    """Apply each row's threshold (``inf`` where it has none) to it; all arrays are ``(n,)``."""
    stands = confidences >= threshold
    rows, hits = int(stands.sum()), int(right[stands].sum())
    return Selected(
        coverage=rows / len(stands),
        precision=hits / rows if rows else None,
        bound=precision_bound(hits, rows) if rows else 0.0,
        rows=len(stands),
    )


def thresholds_of(
    spec: Mapping[str, Any], has_text: NDArray[np.bool_], has_image: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """``(n,)`` each row's threshold by a package's spec, ``inf`` where it promises nothing."""
    known = spec.get("thresholds", {}).get("by_halves", {})
    by_row = np.full(len(has_text), np.inf)
    for modality, rows in halves_of(has_text, has_image).items():
        by_row[rows] = known.get(modality.value, np.inf)
    return by_row


def halves_of(has_text: NDArray[np.bool_], has_image: NDArray[np.bool_]) -> dict[Modality, NDArray[np.bool_]]:
    """``(n,)`` masks of the rows with both halves, text alone and image alone."""
    return {
        Modality.TEXT_AND_IMAGE: has_text & has_image,
        Modality.TEXT_ONLY: has_text & ~has_image,
        Modality.IMAGE_ONLY: has_image & ~has_text,
    }
