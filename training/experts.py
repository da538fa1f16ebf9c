"""Trains one expert: a head on all training rows, and what it says of rows it has not learnt from."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from inference.fusion_model import FEATURES
from inference.heads import DenseHead, LexicalHead
from inference.lexical import LexicalSpace
from training.config import FusionConfig, LexicalConfig, LogisticConfig, SoftmaxConfig
from training.learning_rows import LearningRows

ABSENT_LOGIT = -1e4
"""Logit of a class that a head saw no row of: so low that the fusion's floor takes its place."""
_CONSTANT = 1e-3  # standard deviation below which a feature counts as constant


@dataclass(frozen=True, slots=True)
class FittedExpert:
    """An expert after training.

    Attributes:
        head: trained on every training row that it can read.
        unseen: ``(n, classes)`` float64, logits of each learning row by a head that has not learnt from it (training
            rows: the head without their part; validation rows: ``head``); zeros where the expert has nothing to read.
        rows: ``(k,)`` the rows it can read.
        curves: one value an epoch, by name; empty for scikit-learn's solvers.
    """

    head: DenseHead | LexicalHead
    unseen: NDArray[np.float64]
    rows: NDArray[np.intp]
    curves: dict[str, list[float]]


def fit_expert(name: str, data: LearningRows, config: FusionConfig) -> FittedExpert | None:
    """Train ``bert``, ``lexical``, ``appearance`` or ``resnet50``.

    Returns:
        None when its training rows show fewer than two classes: then it has nothing to say.
    """
    rows = data.inputs.rows_for(name)
    if len(np.unique(data.labels[rows[data.train[rows]]])) < 2:
        return None
    if name == "lexical":
        return _fit_lexical(data, rows, config.lexical, config.seed)
    if name == "appearance":
        return _fit_logistic(name, data, rows, config.appearance)
    return _fit_softmax(name, data, rows, config.bert if name == "bert" else config.resnet50, config.seed)


def _fit_softmax(
    name: str, data: LearningRows, rows: NDArray[np.intp], config: SoftmaxConfig, seed: int
) -> FittedExpert:
    from training.softmax import fit_softmax_heads  # imports TensorFlow

    blank = _standardiser(name, data, rows)
    features = blank.standardise(data.inputs.features[FEATURES[name]][rows])
    learns = np.stack([data.learns(part)[rows] for part in _parts(data)], axis=1)
    heads = fit_softmax_heads(
        features, data.labels[rows], learns, _held(data, rows), classes=data.classes, config=config, seed=seed
    )
    trained = [DenseHead(blank.mean, blank.scale, *pair) for pair in zip(heads.weight, heads.bias, strict=True)]

    def say(part: int, chosen: NDArray[np.intp]) -> NDArray[np.float64]:
        return trained[part].logits(data.inputs.features[FEATURES[name]][chosen])

    return FittedExpert(trained[-1], _unseen(data, rows, say), rows, heads.curves)


def _fit_logistic(name: str, data: LearningRows, rows: NDArray[np.intp], config: LogisticConfig) -> FittedExpert:
    blank = _standardiser(name, data, rows)
    known = data.inputs.features[FEATURES[name]]
    trained = []
    for part in _parts(data):
        learnt = rows[data.learns(part)[rows]]
        solver = LogisticRegression(
            C=config.inverse_regularisation, max_iter=config.most_iterations, tol=config.tolerance
        )
        weight, bias = _solve(solver, blank.standardise(known[learnt]), data.labels[learnt], data.classes)
        trained.append(DenseHead(blank.mean, blank.scale, weight, bias))
    unseen = _unseen(data, rows, lambda part, chosen: trained[part].logits(known[chosen]))
    return FittedExpert(trained[-1], unseen, rows, {})


def _fit_lexical(data: LearningRows, rows: NDArray[np.intp], config: LexicalConfig, seed: int) -> FittedExpert:
    counts = config.rule.count([data.inputs.texts[row] for row in rows])
    trained = []
    for part in _parts(data):
        learnt = np.flatnonzero(data.learns(part)[rows])
        space = LexicalSpace.learn(config.rule, counts[learnt], min_rows=config.fewest_rows)
        solver = LinearSVC(
            C=config.inverse_regularisation, max_iter=config.most_iterations, tol=config.tolerance, random_state=seed
        )
        weight, bias = _solve(solver, space.weigh(counts[learnt]), data.labels[rows[learnt]], data.classes)
        trained.append(LexicalHead(space, weight, bias))

    def say(part: int, chosen: NDArray[np.intp]) -> NDArray[np.float64]:
        return trained[part].logits_of(counts[np.searchsorted(rows, chosen)])

    return FittedExpert(trained[-1], _unseen(data, rows, say), rows, {})


def _parts(data: LearningRows) -> list[int | None]:
    """The part each head leaves out; the last head leaves none."""
    return [*range(data.folds), None]


def _held(data: LearningRows, rows: NDArray[np.intp]) -> NDArray[np.float32]:
    """How much each row counts in judging each head, 1 a row in all: training rows judge the head without them."""
    held = np.full((len(rows), data.folds + 1), 1 / (data.folds + 1), dtype=np.float32)
    train = data.train[rows]
    held[train] = np.eye(data.folds + 1, dtype=np.float32)[data.parts[rows[train]]]
    return held


def _unseen(
    data: LearningRows, rows: NDArray[np.intp], say: Callable[[int, NDArray[np.intp]], NDArray[np.float64]]
) -> NDArray[np.float64]:
    unseen = np.zeros((len(data.labels), data.classes))
    judge = np.where(data.train, data.parts, data.folds)[rows]
    for head in np.unique(judge):
        chosen = rows[judge == head]
        unseen[chosen] = say(head, chosen)
    return unseen


def _standardiser(name: str, data: LearningRows, rows: NDArray[np.intp]) -> DenseHead:
    """A head without weights: mean and deviation of the training rows' features (no labels, so all parts share it)."""
    known = data.inputs.features[FEATURES[name]][rows[data.train[rows]]]
    mean, scale = known.mean(axis=0, dtype=np.float64), known.std(axis=0, dtype=np.float64)
    scale[scale < _CONSTANT] = 1  # what never varied in training must not explode in serving
    nothing = np.zeros((0, data.classes), np.float32)
    return DenseHead(mean.astype(np.float32), scale.astype(np.float32), nothing, nothing[:0])


def _solve(
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
