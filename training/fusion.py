"""Learns how much to trust whom about what, from answers to rows that nobody has learnt from.

Neither hold-out nor fresh rows come near this: it sees the experts' answers to ``LearningRows`` only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from core.domain.product import Modality
from inference.fusion import EXPERTS_FOR, Blend, Fusion, log_softmax
from training.config import BlendConfig
from training.evaluate import weighted_f1
from training.experts import ABSENT_LOGIT, FittedExpert
from training.learning_rows import LearningRows

_WIDEST = 4.0  # a temperature lies between e^-4 and e^4
_MOST_ITERATIONS = 200


@dataclass(frozen=True, slots=True)
class FittedFusion:
    """Temperatures and blends with what they were chosen by.

    Attributes:
        fusion: to package.
        weighted_f1: out of fold, by halves and then by expert or ``fusion``; each on the rows that have these halves.
    """

    fusion: Fusion
    weighted_f1: dict[Modality, dict[str, float]]


def fit_blends(data: LearningRows, experts: Mapping[str, FittedExpert], config: BlendConfig) -> FittedFusion:
    """Fit each expert's temperature, then a blend for each set of halves that rows show."""
    temperatures = {name: _expert_temperature(data.labels, expert) for name, expert in experts.items()}
    said = {
        name: np.maximum(log_softmax(expert.unseen / temperatures[name]), config.floor)
        for name, expert in experts.items()
    }
    blends, scores = {}, {}
    for modality, readers in EXPERTS_FOR.items():
        names = tuple(name for name in readers if name in experts)
        rows = _rows_with(data, modality)
        if len(rows) and _covers(modality, names):
            blends[modality], scores[modality] = _choose_blend(data, rows, names, said, config)
    return FittedFusion(Fusion(temperatures, config.floor, blends), scores)


def _rows_with(data: LearningRows, modality: Modality) -> NDArray[np.intp]:
    has_text, has_image = data.inputs.has_text, data.inputs.has_image
    if modality is Modality.TEXT_AND_IMAGE:
        return np.flatnonzero(has_text & has_image)
    return np.flatnonzero(has_text if modality is Modality.TEXT_ONLY else has_image)


def _covers(modality: Modality, names: Sequence[str]) -> bool:
    """Whether every half of ``modality`` has an expert that reads it."""
    halves = (Modality.TEXT_ONLY, Modality.IMAGE_ONLY) if modality is Modality.TEXT_AND_IMAGE else (modality,)
    return all(set(names) & set(EXPERTS_FOR[half]) for half in halves)


def _expert_temperature(labels: NDArray[np.intp], expert: FittedExpert) -> float:
    """On rows whose class the head had seen: what it could not know says nothing about how sure it should be."""
    rows, truth = expert.rows, labels[expert.rows]
    knew = expert.unseen[rows, truth] > ABSENT_LOGIT / 2
    return fit_temperature(expert.unseen[rows[knew]], truth[knew])


def fit_temperature(scores: NDArray[np.float64], labels: NDArray[np.intp]) -> float:
    """The divisor of ``(n, classes)`` scores under which ``labels`` are likeliest; 1 where there are no rows."""
    if not len(labels):
        return 1.0

    def surprise(log_temperature: float) -> float:
        return -log_softmax(scores / np.exp(log_temperature))[np.arange(len(labels)), labels].mean()

    return float(np.exp(minimize_scalar(surprise, bounds=(-_WIDEST, _WIDEST), method="bounded").x))


def _choose_blend(
    data: LearningRows,
    rows: NDArray[np.intp],
    names: tuple[str, ...],
    said: Mapping[str, NDArray[np.float64]],
    config: BlendConfig,
) -> tuple[Blend, dict[str, float]]:
    """Blend the experts, or let the best one answer alone where blending is no better out of fold."""
    stack = np.stack([said[name][rows] for name in names], axis=1)
    labels, parts = data.labels[rows], data.parts[rows]
    scores = {name: weighted_f1(labels, stack[:, place].argmax(axis=1)) for place, name in enumerate(names)}
    crossed = np.zeros((len(rows), data.classes))
    for part in np.unique(parts):
        others = parts != part
        weight, bias = fit_weights(stack[others], labels[others], prior_rows=config.prior_rows)
        crossed[~others] = np.einsum("nec,ec->nc", stack[~others], weight) + bias
    scores["fusion"] = weighted_f1(labels, crossed.argmax(axis=1))
    best = max(names, key=scores.__getitem__)
    if scores["fusion"] <= scores[best]:
        alone = np.ones((1, data.classes))
        return Blend((best,), alone, np.zeros(data.classes), fit_temperature(said[best][rows], labels)), scores
    weight, bias = fit_weights(stack, labels, prior_rows=config.prior_rows)
    return Blend(names, weight, bias, fit_temperature(crossed, labels)), scores


def fit_weights(
    stack: NDArray[np.float64], labels: NDArray[np.intp], *, prior_rows: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit one weight per expert and class, and a bias per class.

    First the weights that all classes share (a weighted geometric average), then each class's own, drawn towards the
    shared ones as if ``prior_rows`` rows spoke for those: a class with few rows keeps what all classes do.

    Args:
        stack: ``(n, experts, classes)`` log-probabilities.
        labels: ``(n,)``.
        prior_rows: above zero.

    Returns:
        Weight ``(experts, classes)`` and bias ``(classes,)``.
    """
    _, experts, classes = stack.shape
    shared = _fit_shared(stack, labels)

    def cost(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        own, bias = flat[: experts * classes].reshape(experts, classes), flat[experts * classes :]
        scores = np.einsum("nec,ec->nc", stack, shared[:, None] + own) + bias
        surprise, slope = _surprise(scores, labels)
        gradient = np.concatenate([np.einsum("nec,nc->ec", stack, slope).ravel(), slope.sum(axis=0)])
        return surprise + prior_rows / 2 * float(flat @ flat), gradient + prior_rows * flat

    flat = _minimise(cost, np.zeros((experts + 1) * classes))
    return shared[:, None] + flat[: experts * classes].reshape(experts, classes), flat[experts * classes :]


def _fit_shared(stack: NDArray[np.float64], labels: NDArray[np.intp]) -> NDArray[np.float64]:
    """``(experts,)`` positive weights; their logarithms are drawn to an equal share as if by one row."""
    equal = np.full(stack.shape[1], -np.log(stack.shape[1]))

    def cost(logs: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        shares = np.exp(logs)
        surprise, slope = _surprise(np.einsum("nec,e->nc", stack, shares), labels)
        gradient = np.einsum("nec,nc->e", stack, slope) * shares
        away = logs - equal
        return surprise + float(away @ away) / 2, gradient + away

    return np.exp(_minimise(cost, equal))


def _surprise(scores: NDArray[np.float64], labels: NDArray[np.intp]) -> tuple[float, NDArray[np.float64]]:
    """Sum over rows of minus the label's log-probability, and its slope with respect to the scores."""
    logs = log_softmax(scores)
    rows = np.arange(len(labels))
    slope = np.exp(logs)
    slope[rows, labels] -= 1
    return -float(logs[rows, labels].sum()), slope


def _minimise(cost: object, start: NDArray[np.float64]) -> NDArray[np.float64]:
    return minimize(cost, start, jac=True, method="L-BFGS-B", options={"maxiter": _MOST_ITERATIONS}).x
