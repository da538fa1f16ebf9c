"""Shares of people's verdicts: how sure one is of a share that was counted, and whether another is really higher."""

import math
from dataclasses import dataclass

from scipy.stats import hypergeom

from core.domain.shares import wilson


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


def chance_of_rise(before: Share, after: Share) -> float:
    """How often chance alone raises a share by as much or more, in [0, 1]: Fisher's exact test, one-sided.

    1 where either counted nothing.
    """
    if not before.rows or not after.rows:
        return 1.0
    hits, rows = before.hits + after.hits, before.rows + after.rows
    return float(hypergeom.sf(after.hits - 1, rows, hits, after.rows))
