"""Multinomial logistic regression by L-BFGS over blocks of cached features, from given weights."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from inference.fusion import log_softmax
from inference.heads import DenseHead
from training.config import LogisticConfig

_BLOCK = 2048  # rows standardised at once


def fit_logistic_head(
    features: NDArray[np.float16],
    labels: NDArray[np.intp],
    rows: NDArray[np.intp],
    start: DenseHead,
    *,
    config: LogisticConfig,
    tolerance: float,
) -> DenseHead:
    """Find the optimum that scikit-learn's ``LogisticRegression`` looks for.

    The optimum is one: where the search starts decides only how long it takes.

    Args:
        features: ``(n, d)`` float16, as cached; memory-mapped is fine.
        labels: ``(n,)`` in [0, classes); every class occurs among ``rows``.
        rows: to learn from.
        start: weights to start from, with the mean and deviation to standardise by.
        config: pull towards zero and most iterations.
        tolerance: largest slope of the mean loss that is taken for none; small, for from weights near the optimum the
            slope that a few new rows give is small too.
    """
    width, classes = start.weight.shape
    pull = 1 / (config.inverse_regularisation * len(rows))

    def cost(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weight, bias = flat[: width * classes].reshape(width, classes), flat[width * classes :]
        narrow = weight.astype(np.float32), bias.astype(np.float32)
        lost, by_weight, by_bias = 0.0, pull * weight, np.zeros(classes)
        for at in range(0, len(rows), _BLOCK):
            block = rows[at : at + _BLOCK]
            seen = start.standardise(features[block])
            logs = log_softmax(seen @ narrow[0] + narrow[1])
            places = np.arange(len(block)), labels[block]
            lost -= float(logs[places].sum(dtype=np.float64))
            slope = np.exp(logs)
            slope[places] -= 1
            by_weight += (seen.T @ slope) / len(rows)
            by_bias += slope.sum(axis=0, dtype=np.float64) / len(rows)
        return lost / len(rows) + pull / 2 * float(np.vdot(weight, weight)), np.concatenate(
            [by_weight.ravel(), by_bias]
        )

    begin = np.concatenate([start.weight.ravel(), start.bias]).astype(np.float64)
    options = {"maxiter": config.most_iterations, "gtol": tolerance, "ftol": 64 * np.finfo(float).eps}
    found = minimize(cost, begin, jac=True, method="L-BFGS-B", options=options).x.astype(np.float32)
    weight, bias = found[: width * classes].reshape(width, classes), found[width * classes :]
    return DenseHead(start.mean, start.scale, np.ascontiguousarray(weight), bias)
