"""What scores would have been on other rows of the same kind: whole clusters drawn again, with replacement.

Copies of one product stand or fall together, so they are drawn together. Every F1 is a function of sums over rows;
so clusters are summed once, and all draws are one matrix product.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

DRAWS = 1000
LEVEL = 0.95
"""Share of the draws that an interval holds."""

_CHUNK = 200  # draws scored at once: bounds memory
_SEED = 20261121


def f1_draws(
    truth: NDArray[np.intp], answered: NDArray[np.intp], clusters: Sequence[str], *, classes: int, draws: int = DRAWS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weighted F1 and each class's F1 in every draw.

    Args:
        truth: ``(n,)`` class of each row, in [0, classes).
        answered: ``(n,)`` likewise.
        clusters: of each row.
        classes: how many there are.
        draws: how many to make.

    Returns:
        ``(draws,)`` and ``(draws, classes)``, in [0, 1]; nan for a class of which a draw has no row.
    """
    _, cluster = np.unique(np.asarray(clusters), return_inverse=True)
    sums = _sums(truth, answered, cluster, classes)
    random = np.random.default_rng(_SEED)
    weighted, by_class = [], []
    for start in range(0, draws, _CHUNK):
        drawn = _draw(random, min(_CHUNK, draws - start), len(sums)) @ sums
        support, said, right = np.split(drawn.astype(np.float64), 3, axis=1)
        f1 = 2 * right / np.maximum(support + said, 1)
        by_class.append(np.where(support > 0, f1, np.nan))
        weighted.append((f1 * support).sum(axis=1) / support.sum(axis=1))
    return np.concatenate(weighted), np.concatenate(by_class)


def interval(draws: NDArray[np.float64]) -> tuple[float, float]:
    """The middle ``LEVEL`` of those draws that tell something; from 0 to 0 where none does."""
    known = draws[~np.isnan(draws)]
    if not len(known):
        return 0.0, 0.0
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _sums(
    truth: NDArray[np.intp], answered: NDArray[np.intp], cluster: NDArray[np.intp], classes: int
) -> NDArray[np.float32]:
    """``(clusters, 3 * classes)``: rows of each class, rows answered as it, and both at once."""
    clusters = int(cluster.max()) + 1
    counted = ((truth, truth >= 0), (answered, answered >= 0), (truth, truth == answered))
    parts = [
        np.bincount(cluster * classes + column, weights=of.astype(float), minlength=clusters * classes)
        for column, of in counted
    ]
    return np.hstack([part.reshape(clusters, classes) for part in parts]).astype(np.float32)


def _draw(random: np.random.Generator, draws: int, clusters: int) -> NDArray[np.float32]:
    """How often each cluster counts in each draw, ``(draws, clusters)``."""
    counts = [np.bincount(random.integers(0, clusters, clusters), minlength=clusters) for _ in range(draws)]
    return np.array(counts, dtype=np.float32)
