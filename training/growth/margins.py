"""One-against-rest linear support vector machines by dual coordinate ascent, all classes at a row at once.

The optimum is that of scikit-learn's ``LinearSVC`` (squared hinge, the intercept a feature that is always 1), found in
about five visits a row. Starting from an older model's weights is no faster: the dual variables that fit them are not
kept in a package, and reading them off the weights multiplies what the tolerance left open.
"""

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

_STILL = 1e-6  # a change of a dual variable that is none


def fit_margins(
    features: sparse.csr_array,
    labels: NDArray[np.intp],
    *,
    classes: int,
    inverse_regularisation: float,
    tolerance: float,
    most_rounds: int,
    seed: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Find weight ``(k, classes)`` and bias ``(classes,)``, both float32.

    Args:
        features: ``(n, k)`` float32, no column twice in a row.
        labels: ``(n,)`` in [0, classes).
        classes: columns of the answer.
        inverse_regularisation: C.
        tolerance: how far a row's margin may be from where its dual variable says it is.
        most_rounds: most times that any row is visited.
        seed: of the order in which rows are visited.
    """
    random = np.random.default_rng(seed)
    rows = sparse.csr_array(sparse.hstack([features, np.ones((features.shape[0], 1), np.float32)], format="csr"))
    sign = np.full((rows.shape[0], classes), -1, np.float32)
    sign[np.arange(len(labels)), labels] = 1
    give = np.float32(1 / (2 * inverse_regularisation))
    dual = np.zeros_like(sign)
    weight = np.zeros((rows.shape[1], classes), np.float32)
    row_of = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    step = 1 / (np.bincount(row_of, rows.data**2, minlength=rows.shape[0]).astype(np.float32) + give)
    for _ in range(most_rounds):
        away = sign * (rows @ weight) - 1 + dual * give
        wrong = np.where(dual > 0, np.abs(away), np.maximum(-away, 0)).max(axis=1) > tolerance
        if not wrong.any():
            break
        for row in random.permutation(np.flatnonzero(wrong)):
            _visit(rows, row, weight, dual, sign, give, step[row])
    return weight[:-1], weight[-1]


def _visit(
    rows: sparse.csr_array,
    row: int,
    weight: NDArray[np.float32],
    dual: NDArray[np.float32],
    sign: NDArray[np.float32],
    give: np.float32,
    step: np.float32,
) -> None:
    """Put one row's dual variables right, given all others: in every class at once, for these do not meet."""
    inside = slice(rows.indptr[row], rows.indptr[row + 1])
    columns, values = rows.indices[inside], rows.data[inside]
    known = weight[columns]
    away = sign[row] * (values @ known) - 1 + dual[row] * give
    better = np.maximum(dual[row] - away * step, 0)
    change = (better - dual[row]) * sign[row]
    if np.abs(change).max() > _STILL:
        dual[row] = better
        weight[columns] = known + values[:, None] * change
