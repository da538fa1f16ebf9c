"""Whether a model is still as sure as it is right.

Selecting products by confidence does not disturb this: at each confidence the share of right answers is what it is. So
verdicts of a queue that offers the least certain first may be used as they are.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.domain.watch import Finding
from training.calibration import BINS, calibration_error

DRAWS = 1999  # the smallest level of a setting is 0.002
LEAST_EXCESS = 0.02
"""A calibration error that is less above an honest model's is nobody's business, however sure the test is."""
_SEED = 20261122
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Honesty:
    """How far confidence and share of right answers are apart.

    Attributes:
        rows: verdicts.
        error: expected calibration error.
        honest: mean error of honest models on the same confidences: never 0.
        gap: mean confidence less share of right answers: above 0 it promises too much.
        z: Spiegelhalter's statistic, standard normal for an honest model; below 0 where too few are right. 0 where
            every confidence is 0, 0.5 or 1, which tell it nothing.
        chance: how often an honest model's error, or its statistic, is as bad: twice the smaller of the two p-values.
    """

    rows: int
    error: float
    honest: float
    gap: float
    z: float
    chance: float

    @property
    def threshold(self) -> float:
        """The calibration error from which it is worth speaking of."""
        return self.honest + LEAST_EXCESS

    def finding(self, false_alarms: float) -> Finding:
        """An alarm where chance explains it in no more cases than ``false_alarms``, and it is worth speaking of."""
        return Finding.ALARM if self.chance <= false_alarms and self.error >= self.threshold else Finding.WELL


def honesty(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> Honesty:
    """Compare ``(n,)`` confidences in [0, 1] with which answers were right.

    Two tests at half the level each: the error sees whatever is wrong in some band of confidence; Spiegelhalter's
    statistic sees more with few verdicts, but little among answers that are about as likely wrong as right, of which
    a queue has many. Both are held against honest models: the same confidences, each answer right as often as its
    confidence says. So the chance holds whatever the number of verdicts is.
    """
    honest = np.random.default_rng(_SEED).random((DRAWS, len(confidences))) < confidences
    error, errors = calibration_error(confidences, right), _errors(confidences, honest)
    z = float(spiegelhalter(confidences, right[None])[0])
    as_bad = (errors >= error - _ROUNDING, np.abs(spiegelhalter(confidences, honest)) >= abs(z) - _ROUNDING)
    return Honesty(
        rows=len(right),
        error=error,
        honest=float(errors.mean()),
        gap=float(confidences.mean() - right.mean()),
        z=z,
        chance=min(1.0, min(2.0 * float(1 + some.sum()) / (1 + DRAWS) for some in as_bad)),
    )


def spiegelhalter(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Spiegelhalter's z (1986), the Brier score against an honest model's, of each of ``(k, n)`` outcomes.

    Its sign is turned so that it is below 0 where fewer answers are right than promised.
    """
    slope = 2.0 * confidences - 1.0
    spread = float((slope**2 * confidences * (1.0 - confidences)).sum())
    return (right - confidences) @ slope / math.sqrt(spread) if spread > 0 else np.zeros(len(right))


def _errors(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Expected calibration error of each of ``(k, n)`` outcomes."""
    bins = np.minimum((confidences * BINS).astype(np.intp), BINS - 1)
    return np.abs((confidences - right) @ np.eye(BINS)[bins]).sum(axis=1) / len(confidences)
