"""Whether what comes now still looks like what came before: a two-sample test on cheap features.

Maximum mean discrepancy (Gretton et al. 2012) with a Gaussian kernel as wide as the median distance; the null is drawn
by permutation, so that the stated share of false alarms holds for every window of products that arrive independently
of one another, whatever the features are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.domain.watch import Finding

PERMUTATIONS = 999
LEAST_EFFECT = 0.001
"""A change that explains less of the products' spread is nobody's business, however sure the test is."""

_CHUNK = 250  # permutations at once: bounds memory
_SEED = 20261122


@dataclass(frozen=True, slots=True)
class Drift:
    """What sets a window apart from its reference.

    Attributes:
        effect: share of the spread among all products (in the kernel's space) that lies between the two, in [0, 1];
            without bias, so that it is about 0 where nothing changed.
        chance: how often a random split sets two samples apart as much.
    """

    effect: float
    chance: float

    def finding(self, false_alarms: float) -> Finding:
        """An alarm where chance explains it in fewer cases than ``false_alarms``, and it is worth speaking of."""
        return Finding.ALARM if self.chance <= false_alarms and self.effect >= LEAST_EFFECT else Finding.WELL


def compare(reference: NDArray[np.float32], window: NDArray[np.float32]) -> Drift:
    """Test whether two samples come from one distribution.

    Args:
        reference: ``(n, d)`` features, n >= 2.
        window: ``(m, d)`` likewise, m >= 2.
    """
    kernel = _kernel(np.vstack([reference, window]))
    n, m = len(reference), len(window)
    is_new = np.repeat([False, True], [n, m])
    found = _apart(kernel, is_new[None], n, m)[0]
    random = np.random.default_rng(_SEED)
    as_much = sum(
        int((_apart(kernel, _shuffled(random, is_new, some), n, m) >= found - 1e-9).sum())
        for some in _portions(PERMUTATIONS, _CHUNK)
    )
    rows = n + m
    spread = 1.0 - float(kernel.sum() - rows) / (rows * (rows - 1))
    between = _without_bias(kernel, is_new) * n * m / rows**2
    effect = between / spread if spread > 0 else 0.0
    return Drift(min(1.0, max(0.0, effect)), (1 + as_much) / (1 + PERMUTATIONS))


def _kernel(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """``(n, n)`` Gaussian kernel, as wide as the median of the squared distances that are not 0."""
    products = (rows @ rows.T).astype(np.float64)
    squares = np.diag(products)
    distances = np.maximum(squares[:, None] + squares[None, :] - 2.0 * products, 0.0)
    np.fill_diagonal(distances, 0.0)
    apart = distances[distances > 1e-9]
    return np.exp(-distances / (np.median(apart) if len(apart) else 1.0))


def _apart(kernel: NDArray[np.float64], is_new: NDArray[np.bool_], n: int, m: int) -> NDArray[np.float64]:
    """Squared distance between the two means of each of ``(k, n + m)`` splits."""
    weights = np.where(is_new, 1.0 / m, -1.0 / n)
    return ((weights @ kernel) * weights).sum(axis=1)


def _without_bias(kernel: NDArray[np.float64], is_new: NDArray[np.bool_]) -> float:
    """The same for one split, without any product's likeness to itself: 0 on average where nothing changed."""
    old, new = kernel[~is_new][:, ~is_new], kernel[is_new][:, is_new]
    within = sum((part.sum() - len(part)) / (len(part) * (len(part) - 1)) for part in (old, new))
    return float(within - 2.0 * kernel[~is_new][:, is_new].mean())


def _shuffled(random: np.random.Generator, is_new: NDArray[np.bool_], some: int) -> NDArray[np.bool_]:
    return random.permuted(np.tile(is_new, (some, 1)), axis=1)


def _portions(total: int, most: int) -> list[int]:
    return [min(most, total - start) for start in range(0, total, most)]
