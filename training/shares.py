"""Shares of people's verdicts: how sure one is of a share that was counted, and whether another is really higher."""

import math
from dataclasses import dataclass

from scipy.stats import hypergeom

_Z95 = 1.959963984540054  # of 100 intervals, 95 hold the truth


@dataclass(frozen=True, slots=True)
class Share:
    """``hits`` of ``rows`` that were counted.

    Attributes:
        hits: 0 to ``rows``.
        rows: 0 where nothing was counted: then nothing is known.
    """

    hits: int
    rows: int

    def __post_init__(self) -> None:
        if not 0 <= self.hits <= self.rows:
            raise ValueError(f"expected 0 <= hits <= rows. Received: {self.hits} of {self.rows}")

    @property
    def value(self) -> float:
        """Hits over rows, in [0, 1]; nan without rows."""
        return self.hits / self.rows if self.rows else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval, in [0, 1]; all of it without rows."""
        return wilson(self.hits, self.rows)


def wilson(hits: int, rows: int, z: float = _Z95) -> tuple[float, float]:
    """The score interval of a share: it stays within [0, 1] and has a width at 0 and at 1 as well.

    Args:
        hits: 0 to ``rows``.
        rows: how many were counted; 0 gives (0, 1).
        z: the normal quantile; 1.96 gives 95 %.
    """
    if not rows:
        return 0.0, 1.0
    share, spread = hits / rows, z * z / rows
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / rows + spread / rows / 4) / (1 + spread)
    # At the ends the bound is the share itself; rounding would leave a hair beside it.
    return (0.0 if hits == 0 else max(0.0, middle - half), 1.0 if hits == rows else min(1.0, middle + half))


def chance_of_rise(before: Share, after: Share) -> float:
    """How often chance alone raises a share by as much or more, in [0, 1]: Fisher's exact test, one-sided.

    1 where either counted nothing.
    """
    if not before.rows or not after.rows:
        return 1.0
    hits, rows = before.hits + after.hits, before.rows + after.rows
    return float(hypergeom.sf(after.hits - 1, rows, hits, after.rows))
