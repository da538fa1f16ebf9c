"""Learns how much to trust whom about what, from answers to rows that nobody has learnt from.

Neither hold-out nor fresh rows come near this: it sees the experts' answers to ``LearningRows`` only.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from core.domain.product import Modality
from inference.family import EXPERTS, IMAGE, TEXT, readers
from inference.fusion import MIXTURE as MIXTURE_BLEND
from inference.fusion import Blend, Fusion, log_softmax
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
        unseen: by halves: learning rows that have them, and their ``(rows, classes)`` final probabilities by experts
            and blends that have not learnt from them.
    """

    fusion: Fusion
    weighted_f1: dict[Modality, dict[str, float]]
    unseen: dict[Modality, tuple[NDArray[np.intp], NDArray[np.float64]]]


@dataclass(frozen=True, slots=True)
class Said:
    """What experts say of the rows that have certain halves, none having learnt from the row.

    Attributes:
        names: of the experts.
        stack: ``(n, experts, classes)`` float64, calibrated log-probabilities, cut off at the floor.
        labels: ``(n,)`` intp.
        parts: ``(n,)`` intp, the part each row is dealt into.
    """

    names: tuple[str, ...]
    stack: NDArray[np.float64]
    labels: NDArray[np.intp]
    parts: NDArray[np.intp]

    def score(self, scores: NDArray[np.float64]) -> float:
        """Weighted F1 of ``(n, classes)`` scores."""
        return weighted_f1(self.labels, scores.argmax(axis=1))

    def crossed(self, learn: Callable[[NDArray[np.bool_]], Blend]) -> NDArray[np.float64]:
        """``(n, classes)`` scores of each part's rows by a blend that ``learn`` fits on the others; temperature 1."""
        scores = np.zeros((len(self.labels), self.stack.shape[2]))
        for part in np.unique(self.parts):
            others = self.parts != part
            scores[~others] = self.blended(learn(others), ~others)
        return scores

    def blended(self, blend: Blend, rows: NDArray[np.bool_]) -> NDArray[np.float64]:
        """``(rows, classes)`` log-probabilities of a blend of all these experts."""
        return blend.log_probabilities({name: self.stack[rows, place] for place, name in enumerate(self.names)})


Found = tuple[Blend, NDArray[np.float64], dict[str, float]]
"""A blend; its ``(n, classes)`` scores of rows it has not learnt from; weighted F1 by expert, or ``fusion``."""


def fit_blends(
    data: LearningRows, experts: Mapping[str, FittedExpert], config: BlendConfig, kind: str = "stacked"
) -> FittedFusion:
    """Fit each expert's temperature, then a blend for each set of halves that rows show.

    Args:
        data: the rows.
        experts: fitted on them, by name.
        config: of ``stacked`` blends, and the floor of all.
        kind: ``stacked``, ``mixture`` or ``alone`` (one expert only).
    """
    temperatures = {name: _expert_temperature(data.labels, expert) for name, expert in experts.items()}
    blends, scores, unseen = {}, {}, {}
    for modality in Modality:
        names, rows = readers(modality, experts), _rows_with(data, modality)
        if len(rows) and _covers(modality, names):
            logits = [experts[name].by_half.get(modality, experts[name].unseen)[rows] for name in names]
            said = [log_softmax(one / temperatures[name]) for one, name in zip(logits, names, strict=True)]
            stack = np.maximum(np.stack(said, axis=1), config.floor)
            known = Said(names, stack, data.labels[rows], data.parts[rows])
            blend, crossed, scores[modality] = _CHOOSE[kind](known, config)
            blends[modality] = replace(blend, temperature=fit_temperature(crossed, known.labels))
            unseen[modality] = rows, np.exp(log_softmax(crossed / blends[modality].temperature))
    return FittedFusion(Fusion(temperatures, config.floor, blends), scores, unseen)


def _rows_with(data: LearningRows, modality: Modality) -> NDArray[np.intp]:
    has_text, has_image = data.inputs.has_text, data.inputs.has_image
    if modality is Modality.TEXT_AND_IMAGE:
        return np.flatnonzero(has_text & has_image)
    return np.flatnonzero(has_text if modality is Modality.TEXT_ONLY else has_image)


def _covers(modality: Modality, names: Sequence[str]) -> bool:
    """Whether every half of ``modality`` has an expert that reads it."""
    halves = {TEXT, IMAGE} if modality is Modality.TEXT_AND_IMAGE else {modality}
    return halves <= {half for name in names for half in EXPERTS[name].halves}


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


def _stacked(known: Said, config: BlendConfig) -> Found:
    """Blend the experts, or let the best one answer alone where blending is no better out of fold."""

    def learn(rows: NDArray[np.bool_]) -> Blend:
        weight, bias = fit_weights(known.stack[rows], known.labels[rows], prior_rows=config.prior_rows)
        return Blend(known.names, weight, bias, 1.0)

    scores = _each(known)
    crossed = known.crossed(learn)
    scores["fusion"] = known.score(crossed)
    best = max(known.names, key=scores.__getitem__)
    if scores["fusion"] <= scores[best]:
        return _one(known, best), known.stack[:, known.names.index(best)], scores
    return learn(np.ones(len(known.labels), bool)), crossed, scores


def _mixture(known: Said, config: BlendConfig) -> Found:
    """One share per expert, of probabilities."""

    def learn(rows: NDArray[np.bool_]) -> Blend:
        shares = fit_shares(known.stack[rows], known.labels[rows])
        return Blend(known.names, shares[:, None], np.zeros(known.stack.shape[2]), 1.0, MIXTURE_BLEND)

    crossed = known.crossed(learn)
    return learn(np.ones(len(known.labels), bool)), crossed, {**_each(known), "fusion": known.score(crossed)}


def _alone(known: Said, config: BlendConfig) -> Found:
    """The only expert as it is."""
    (name,) = known.names
    return _one(known, name), known.stack[:, 0], _each(known)


_CHOOSE: dict[str, Callable[[Said, BlendConfig], Found]] = {"stacked": _stacked, "mixture": _mixture, "alone": _alone}


def _each(known: Said) -> dict[str, float]:
    return {name: known.score(known.stack[:, place]) for place, name in enumerate(known.names)}


def _one(known: Said, name: str) -> Blend:
    classes = known.stack.shape[2]
    return Blend((name,), np.ones((1, classes)), np.zeros(classes), 1.0)


def fit_shares(stack: NDArray[np.float64], labels: NDArray[np.intp]) -> NDArray[np.float64]:
    """The shares under which a mixture of the experts' probabilities makes the labels likeliest.

    Args:
        stack: ``(n, experts, classes)`` log-probabilities.
        labels: ``(n,)``.

    Returns:
        ``(experts,)`` float64, not below zero, summing to 1; equal where there are no rows.
    """
    likely = np.exp(stack[np.arange(len(labels)), :, labels])
    shares = np.full(stack.shape[1], 1 / stack.shape[1])
    for _ in range(_MOST_ITERATIONS if len(labels) else 0):
        owed = likely * shares  # expectation maximisation: the likelihood has one maximum and never falls
        shares = (owed / owed.sum(axis=1, keepdims=True)).mean(axis=0)
    return shares


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
