"""Which products two models answer differently, and which of the two is right."""

import numpy as np
from numpy.typing import NDArray

from core.domain.evaluation import Change
from training.draws import Answers

EXAMPLES = 8
"""Products of each kind that are shown to people."""


def changes_between(truth: NDArray[np.int64], old: Answers, new: Answers) -> dict[Change, NDArray[np.intp]]:
    """Positions of the ``(n,)`` rows with another answer now, by kind; those that ``new`` is surest of come first."""
    moved = new.codes != old.codes
    kinds = {
        Change.MENDED: moved & (new.codes == truth),
        Change.BROKEN: moved & (old.codes == truth),
        Change.STILL_WRONG: moved & (new.codes != truth) & (old.codes != truth),
    }
    rows = {change: np.flatnonzero(mask) for change, mask in kinds.items()}
    return {change: found[np.argsort(-new.confidences[found], kind="stable")] for change, found in rows.items()}
