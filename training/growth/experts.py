"""Trains one expert on a large store: one head, on all training rows; what it says of validation rows is unseen."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from inference.family import EXPERTS
from inference.fusion_model import FusionModel
from inference.heads import DenseHead
from training.config import FusionConfig
from training.experts import ABSENT_LOGIT, CONSTANT, FittedExpert, solve
from training.learning_rows import LearningRows

_BLOCK = 4096  # rows at a time


@dataclass(frozen=True, slots=True)
class Start:
    """The model whose weights a training starts from.

    Attributes:
        model: that model, in the columns of the same taxonomy.
        encoders: what computed each feature that its heads read, by feature.
        today: what computes them now.
    """

    model: FusionModel
    encoders: Mapping[str, str]
    today: Mapping[str, str]

    def head(self, expert: str, present: NDArray[np.intp]) -> DenseHead | None:
        """The expert's dense head with a column for each of the classes ``present``; new classes start at zero.

        None where it has no such head, or where that read other features than today's.
        """
        head = self.model.heads.get(expert)
        features = EXPERTS[expert].features
        if not isinstance(head, DenseHead) or any(self.encoders.get(it) != self.today.get(it) for it in features):
            return None
        weight, bias = np.zeros((len(head.weight), len(present)), np.float32), np.zeros(len(present), np.float32)
        learnt = np.flatnonzero(head.bias > ABSENT_LOGIT / 2)
        known = {place: column for column, place in enumerate(self.model.present[learnt])}
        for column, place in enumerate(present):
            if place in known:
                weight[:, column] = head.weight[:, learnt[known[place]]]
                bias[column] = head.bias[learnt[known[place]]]
        return DenseHead(head.mean, head.scale, weight, bias)


def grow_softmax(name: str, data: LearningRows, config: FusionConfig, start: DenseHead | None) -> FittedExpert:
    """A dense softmax head on standardised features, by Keras; smaller steps from known weights than from none."""
    from training.growth.softmax import fit_softmax_head  # imports TensorFlow

    rows = data.inputs.rows_for(name)
    known = _features(name, data)
    settings, growth = config.experts[name], config.growth
    rate = settings.learning_rate * (growth.warm_rate if start else 1)
    head, curves = fit_softmax_head(
        known,
        data.labels,
        rows[data.train[rows]],
        rows[~data.train[rows]],
        _begin(known, rows[data.train[rows]], data.classes, start),
        config=replace(settings, learning_rate=rate, patience=growth.patience),
        seed=config.seed,
    )
    return _judged(head, known, data, rows, curves)


def grow_logistic(name: str, data: LearningRows, config: FusionConfig, start: DenseHead | None) -> FittedExpert:
    """Multinomial logistic regression on standardised features, by scikit-learn.

    The optimum is one: known weights only shorten the way to it.
    """
    rows = data.inputs.rows_for(name)
    known, learnt = _features(name, data), rows[data.train[rows]]
    begin, settings = _begin(known, learnt, data.classes, start), config.experts[name]
    seen = np.unique(data.labels[learnt])
    solver = LogisticRegression(
        C=settings.inverse_regularisation,
        max_iter=settings.most_iterations,
        tol=config.growth.logistic_tolerance,
        warm_start=True,
    )
    if start and len(seen) > 2:  # of two classes scikit-learn keeps one vector
        solver.coef_, solver.intercept_ = begin.weight[:, seen].T.copy(), begin.bias[seen].copy()
    weight, bias = solve(solver, begin.standardise(known[learnt]), data.labels[learnt], data.classes)
    return _judged(DenseHead(begin.mean, begin.scale, weight, bias), known, data, rows, {})


def _features(name: str, data: LearningRows) -> NDArray[np.float16]:
    (feature,) = EXPERTS[name].features
    return data.inputs.features[feature]


def _begin(known: NDArray[np.float16], learnt: NDArray[np.intp], classes: int, start: DenseHead | None) -> DenseHead:
    """Zeros, or ``start`` with the same answers, under today's mean and deviation."""
    mean, scale = _standard(known, learnt)
    if start is None:
        return DenseHead(mean, scale, np.zeros((len(mean), classes), np.float32), np.zeros(classes, np.float32))
    weight = start.weight * (scale / start.scale)[:, None]
    bias = start.bias + ((mean - start.mean) / start.scale) @ start.weight
    return DenseHead(mean, scale, weight, bias)


def _standard(known: NDArray[np.float16], learnt: NDArray[np.intp]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and deviation of the features of some rows, ``(d,)`` each; block by block."""
    blocks = [learnt[at : at + _BLOCK] for at in range(0, len(learnt), _BLOCK)]
    mean = sum(known[block].sum(axis=0, dtype=np.float64) for block in blocks) / len(learnt)
    square = sum(np.square(known[block] - mean).sum(axis=0) for block in blocks) / len(learnt)
    scale = np.sqrt(square)
    scale[scale < CONSTANT] = 1  # what never varied in training must not explode in serving
    return mean.astype(np.float32), scale.astype(np.float32)


def _judged(
    head: DenseHead, known: NDArray[np.float16], data: LearningRows, rows: NDArray[np.intp], curves: dict[str, Any]
) -> FittedExpert:
    judges = rows[~data.train[rows]]
    unseen = np.zeros((len(data.labels), data.classes))
    for at in range(0, len(judges), _BLOCK):
        block = judges[at : at + _BLOCK]
        unseen[block] = head.logits(known[block])
    return FittedExpert(head, unseen, judges, curves)


def on_validation_rows(
    data: LearningRows, experts: Mapping[str, FittedExpert]
) -> tuple[LearningRows, dict[str, FittedExpert]]:
    """The validation rows alone, and what was said of them: all that the fusion of a large store learns from."""
    places = np.flatnonzero(~data.train)
    place_of = np.cumsum(~data.train) - 1
    said = {}
    for name, expert in experts.items():
        rows = place_of[expert.rows[~data.train[expert.rows]]]
        by_half = {half: unseen[places] for half, unseen in expert.by_half.items()}
        said[name] = replace(expert, unseen=expert.unseen[places], rows=rows, by_half=by_half)
    return data.only(places), said
