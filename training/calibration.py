"""Whether a model is as sure as it is right: expected calibration error, and what chance alone makes of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15
"""Bins of confidence, of equal width."""

_DRAWS = 500
_SEED = 20261121


@dataclass(frozen=True, slots=True)
class Reliability:
    """Confidences in bins, and where a model that is as right as it says would lie in 95 of 100 samples like this one.

    Attributes:
        rows: ``(bins,)`` how many rows fall into each.
        said: ``(bins,)`` mean confidence, nan where there are no rows.
        found: ``(bins,)`` share of right answers, nan where there are no rows.
        low: ``(bins,)`` lower end of the band of an honest model, nan where there are no rows.
        high: ``(bins,)`` its upper end.
        error: expected calibration error.
        honest_error: mean error of an honest model on as many rows: never 0.
        honest_error_high: 95 of 100 honest models stay below.
    """

    rows: NDArray[np.int64]
    said: NDArray[np.float64]
    found: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    error: float
    honest_error: float
    honest_error_high: float

    @property
    def is_honest(self) -> bool:
        """Whether chance explains the error."""
        return self.error <= self.honest_error_high


def reliability(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> Reliability:
    """Compare ``(n,)`` confidences in [0, 1] with which answers were right.

    The null is resampled: the same confidences, each answer right as often as its confidence says.
    """
    bins = _bin(confidences)
    rows = np.bincount(bins, minlength=BINS)
    per_bin = np.where(rows, rows, np.nan)
    random = np.random.default_rng(_SEED)
    honest = np.empty((_DRAWS, BINS))
    for draw in honest:
        draw[:] = np.bincount(bins, random.random(len(bins)) < confidences, minlength=BINS)
    said = np.bincount(bins, confidences, BINS)
    errors = np.abs(honest - said).sum(axis=1) / len(bins)
    low, high = np.quantile(honest / per_bin, [0.025, 0.975], axis=0)
    found = np.bincount(bins, right.astype(float), BINS) / per_bin
    return Reliability(
        rows=rows,
        said=said / per_bin,
        found=found,
        low=low,
        high=high,
        error=calibration_error(confidences, right),
        honest_error=float(errors.mean()),
        honest_error_high=float(np.quantile(errors, 0.95)),
    )


def calibration_error(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Mean distance between confidence and share of right answers over bins of equal width, weighted by rows."""
    gaps = np.bincount(_bin(confidences), confidences - right, minlength=BINS)
    return float(np.abs(gaps).sum() / len(confidences))


def brier(probabilities: NDArray[np.float64], columns: NDArray[np.intp]) -> float:
    """Mean squared distance of ``(n, classes)`` probabilities from the truth, in [0, 2].

    Args:
        probabilities: rows summing to 1.
        columns: ``(n,)`` column of the true class, -1 where it has none: then nothing said was right.
    """
    known = columns >= 0
    of_truth = np.where(known, probabilities[np.arange(len(columns)), columns], 0.0)
    return float(((probabilities**2).sum(axis=1) - 2 * of_truth + 1).mean())


def surprise(probabilities: NDArray[np.float64], columns: NDArray[np.intp], *, floor: float = 1e-6) -> float:
    """Mean negative log-likelihood in nats; a probability below ``floor`` (or no column) counts as ``floor``."""
    of_truth = np.where(columns >= 0, probabilities[np.arange(len(columns)), columns], 0.0)
    return float(-np.log(np.maximum(of_truth, floor)).mean())


def _bin(confidences: NDArray[np.float64]) -> NDArray[np.intp]:
    return np.minimum((confidences * BINS).astype(np.intp), BINS - 1)
