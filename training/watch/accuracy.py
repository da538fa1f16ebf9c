"""Accuracy from verdicts that are no random sample, and whether it has surely fallen below a threshold.

The review queue offers the least certain products first, so judged answers are worse than answers at large. Within a
band of confidence who is judged does not depend on who is right; so bands are estimated apart and weighted as the
traffic has them (post-stratification). Of bands that nobody judged nothing is known: the interval counts their answers
as wrong at its lower end and as right at its upper end.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.domain.shares import wilson
from core.domain.watch import Finding

FEWEST = 30
"""Fewer verdicts are not looked at."""
SHORTER = 4
"""A second look at the newest one in so many verdicts sees a sudden drop sooner."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Accuracy of the traffic, in [0, 1].

    Attributes:
        rows: verdicts it was read from.
        value: of the bands that were judged, weighted as the traffic has them.
        low: lower end of the 95 % interval.
        high: upper end.
        covered: share of the traffic in those bands.
    """

    rows: int
    value: float
    low: float
    high: float
    covered: float


def estimate(confidences: NDArray[np.float64], right: NDArray[np.bool_], traffic: Sequence[int]) -> Estimate:
    """Accuracy of the traffic from judged answers.

    Args:
        confidences: ``(n,)`` of the judged answers, in [0, 1]; n >= 1.
        right: ``(n,)`` whether they were right.
        traffic: how many answers, judged or not, fall into each of as many bands of confidence of equal width.
    """
    bands = len(traffic)
    band = np.minimum((confidences * bands).astype(np.intp), bands - 1)
    rows = np.bincount(band, minlength=bands)
    # What was judged was traffic, whatever became of it since.
    answers = np.maximum(np.asarray(traffic, dtype=np.float64), rows)
    judged = rows > 0
    weights = answers[judged] / answers[judged].sum()
    hits = np.bincount(band, weights=right, minlength=bands)[judged] / rows[judged]
    value = float(weights @ hits)
    # Kish: so many verdicts of equal weight would be as much worth.
    worth = 1.0 / float((weights**2 / rows[judged]).sum())
    low, high = wilson(value * worth, worth)
    covered = float(answers[judged].sum() / answers.sum())
    return Estimate(len(right), value, covered * low, covered * high + (1.0 - covered), covered)


def finding(estimates: Sequence[Estimate], threshold: float) -> Finding:
    """An alarm where an interval lies below the threshold as a whole; well again where every figure is above it.

    Two looks are taken, each wrong in at most 2.5 % of the cases at a true accuracy of exactly the threshold.
    """
    if any(one.high < threshold for one in estimates):
        return Finding.ALARM
    return Finding.WELL if all(one.value >= threshold for one in estimates) else Finding.UNSURE
