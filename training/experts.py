"""Trains single experts: a head on all training rows, and what it says of rows it has not learnt from."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from core.domain.product import Modality
from inference.heads import DenseHead, Head, LexicalHead
from inference.lexical import LexicalSpace
from training.config import FusionConfig
from training.learning_rows import LearningRows

ABSENT_LOGIT = -1e4
"""Logit of a class that a head saw no row of: so low that the fusion's floor takes its place."""
CONSTANT = 1e-3  # standard deviation below which a feature counts as constant


@dataclass(frozen=True, slots=True)
class FittedExpert:
    """An expert after training.

    Attributes:
        head: trained on every training row that it can read.
        unseen: ``(n, classes)`` float64, logits of each learning row by a head that has not learnt from it (training
            rows: the head without their part; validation rows: ``head``); zeros where the expert has nothing to read.
        rows: ``(k,)`` the rows it can read.
        curves: one value an epoch, by name; empty for scikit-learn's solvers.
        by_half: ``unseen`` by a head that is shown one half only, by that half; only of experts that read both.
    """

    head: Head
    unseen: NDArray[np.float64]
    rows: NDArray[np.intp]
    curves: dict[str, list[float]]
    by_half: Mapping[Modality, NDArray[np.float64]] = field(default_factory=dict)


def fit_softmax(name: str, data: LearningRows, config: FusionConfig) -> FittedExpert:
    """A dense softmax head on standardised features, by Keras."""
    from training.softmax import fit_softmax_heads  # imports TensorFlow

    rows = data.inputs.rows_for(name)
    known = data.inputs.seen_by(name, rows)
    mean, scale = standard(known[data.train[rows]])
    heads = fit_softmax_heads(
        (known.astype(np.float32) - mean) / scale,
        data.labels[rows],
        learning(data, rows),
        held_out(data, rows),
        classes=data.classes,
        config=config.experts[name],
        seed=config.seed,
    )
    trained = [DenseHead(mean, scale, *pair) for pair in zip(heads.weight, heads.bias, strict=True)]

    def say(part: int, chosen: NDArray[np.intp]) -> NDArray[np.float64]:
        return trained[part].logits(data.inputs.seen_by(name, chosen))

    return FittedExpert(trained[-1], unseen_logits(data, rows, say), rows, heads.curves)


def fit_logistic(name: str, data: LearningRows, config: FusionConfig) -> FittedExpert:
    """Multinomial logistic regression on standardised features, by scikit-learn."""
    settings, rows = config.experts[name], data.inputs.rows_for(name)
    mean, scale = standard(data.inputs.seen_by(name, rows[data.train[rows]]))
    trained = []
    for part in parts_left_out(data):
        learnt = rows[data.learns(part)[rows]]
        solver = LogisticRegression(
            C=settings.inverse_regularisation, max_iter=settings.most_iterations, tol=settings.tolerance
        )
        features = (data.inputs.seen_by(name, learnt).astype(np.float32) - mean) / scale
        trained.append(DenseHead(mean, scale, *solve(solver, features, data.labels[learnt], data.classes)))

    def say(part: int, chosen: NDArray[np.intp]) -> NDArray[np.float64]:
        return trained[part].logits(data.inputs.seen_by(name, chosen))

    return FittedExpert(trained[-1], unseen_logits(data, rows, say), rows, {})


def fit_lexical(name: str, data: LearningRows, config: FusionConfig) -> FittedExpert:
    """A linear support vector machine on hashed n-grams, by scikit-learn."""
    settings, rows = config.experts[name], data.inputs.rows_for(name)
    counts = settings.rule.count(data.inputs.seen_by(name, rows))
    trained = []
    for part in parts_left_out(data):
        learnt = np.flatnonzero(data.learns(part)[rows])
        space = LexicalSpace.learn(settings.rule, counts[learnt], min_rows=settings.fewest_rows)
        solver = LinearSVC(
            C=settings.inverse_regularisation,
            max_iter=settings.most_iterations,
            tol=settings.tolerance,
            random_state=config.seed,
        )
        weight, bias = solve(solver, space.weigh(counts[learnt]), data.labels[rows[learnt]], data.classes)
        trained.append(LexicalHead(space, weight, bias))

    def say(part: int, chosen: NDArray[np.intp]) -> NDArray[np.float64]:
        return trained[part].logits_of(counts[np.searchsorted(rows, chosen)])

    return FittedExpert(trained[-1], unseen_logits(data, rows, say), rows, {})


def parts_left_out(data: LearningRows) -> list[int | None]:
    """The part each head leaves out; the last head leaves none."""
    return [*range(data.folds), None]


def learning(data: LearningRows, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    """``(len(rows), heads)`` whether each head learns from each of some rows."""
    return np.stack([data.learns(part)[rows] for part in parts_left_out(data)], axis=1)


def held_out(data: LearningRows, rows: NDArray[np.intp]) -> NDArray[np.float32]:
    """``(len(rows), heads)`` how much each row counts in judging each head.

    1 a row in all: a training row judges the head without its part (none where it lies in no part), a validation row
    all of them.
    """
    held = np.full((len(rows), data.folds + 1), 1 / (data.folds + 1), dtype=np.float32)
    train = data.train[rows]
    parts = data.parts[rows[train]]
    held[train] = np.eye(data.folds + 1, dtype=np.float32)[parts] * (parts >= 0)[:, None]
    return held


def unseen_logits(
    data: LearningRows, rows: NDArray[np.intp], say: Callable[[int, NDArray[np.intp]], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """``FittedExpert.unseen``: ``say(head, chosen rows)`` is asked of the head that has not learnt from the rows."""
    unseen = np.zeros((len(data.labels), data.classes))
    judge = np.where(data.train, data.parts, data.folds)[rows]
    for head in np.unique(judge[judge >= 0]):
        chosen = rows[judge == head]
        unseen[chosen] = say(head, chosen)
    return unseen


def standard(known: NDArray[np.float16]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and deviation ``(d,)`` of ``(n, d)`` training rows' features (no labels, so all parts share them)."""
    mean, scale = known.mean(axis=0, dtype=np.float64), known.std(axis=0, dtype=np.float64)
    scale[scale < CONSTANT] = 1  # what never varied in training must not explode in serving
    return mean.astype(np.float32), scale.astype(np.float32)


def solve(
    solver: LogisticRegression | LinearSVC,
    features: NDArray[np.float32] | sparse.csr_array,
    labels: NDArray[np.intp],
    classes: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weight ``(d, classes)`` and bias ``(classes,)``; classes without a row here get ``ABSENT_LOGIT``."""
    weight = np.zeros((features.shape[1], classes), np.float32)
    bias = np.full(classes, ABSENT_LOGIT, np.float32)
    seen = np.unique(labels)
    if len(seen) < 2:
        bias[seen] = 0
        return weight, bias
    with warnings.catch_warnings():
        # Where the iterations end decides a head as much as any hyperparameter; out-of-fold scores judge it.
        warnings.simplefilter("ignore", ConvergenceWarning)
        solver.fit(features, labels)
    both = len(seen) == 2  # then scikit-learn keeps one vector, for the second class
    weight[:, seen] = np.concatenate([-solver.coef_, solver.coef_]).T / 2 if both else solver.coef_.T
    bias[seen] = np.concatenate([-solver.intercept_, solver.intercept_]) / 2 if both else solver.intercept_
    return weight, bias
