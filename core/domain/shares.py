"""How sure one is of a share that was counted."""

import math

Z95 = 1.959963984540054  # of 100 intervals, 95 hold the truth


def wilson(hits: int, rows: int, z: float = Z95) -> tuple[float, float]:
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
