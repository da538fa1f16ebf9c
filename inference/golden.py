"""Known answers that travel with a package: a graph that no longer gives them is not served."""

import numpy as np
from numpy.typing import ArrayLike

from core.errors import Unavailable

TOLERANCE = 1e-3


class GoldenMismatch(Unavailable):
    """A loaded graph does not give the answers its package was sealed with.

    Attributes:
        what: the package or part that was asked.
        difference: largest difference from the known answers.
    """

    code = "package.golden_mismatch"

    def __init__(self, what: str, difference: float, allowed: float) -> None:
        super().__init__(f"{what}: golden answers differ by {difference:.3g}, {allowed:.3g} is allowed")
        self.what = what
        self.difference = difference


def check_golden(what: str, answers: ArrayLike, known: ArrayLike) -> float:
    """Return the largest difference, which must be within 1e-3 of the known answers' scale (at least 1).

    Args:
        what: names the package or part in the error.
        answers: any shape, float; probabilities or features just computed.
        known: same shape, float; those of the package.

    Raises:
        GoldenMismatch: they differ by more, in shape, or are not finite.
    """
    got, wanted = np.asarray(answers, np.float64), np.asarray(known, np.float64)
    allowed = TOLERANCE * max(1.0, float(np.abs(wanted).max(initial=0.0)))
    difference = float(np.abs(got - wanted).max(initial=0.0)) if got.shape == wanted.shape else float("inf")
    if not difference <= allowed:
        raise GoldenMismatch(what, difference, allowed)
    return difference
