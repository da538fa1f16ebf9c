"""Several models scored on the same rows, and on the same draws of whole clusters: a paired bootstrap.

Copies of one product stand or fall together, so whole clusters are drawn, and each draw scores every model on the
same clusters: what is common to them cancels out. Every score is a function of sums over rows, so one matrix product
per draw gives F1, per-class F1 and calibration error at once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from core.errors import Invalid
from training.evaluate import BINS

_CHUNK = 200  # draws scored at once: bounds memory
_SEED = 20261121


class NotFinite(Invalid):
    """A model answered with something that is no number."""

    code = "gate.not_finite"


@dataclass(frozen=True, slots=True)
class Answers:
    """What one model answered: ``codes`` (n,) int64, ``confidences`` (n,) float64 in [0, 1]."""

    codes: NDArray[np.int64]
    confidences: NDArray[np.float64]

    @classmethod
    def of(cls, probabilities: NDArray[np.float64], columns: Sequence[int]) -> Self:
        """The likeliest code of each row of ``(n, classes)`` probabilities whose columns are ``columns``.

        Raises:
            NotFinite: a probability is not a number.
        """
        if not np.isfinite(probabilities).all():
            raise NotFinite("expected probabilities. Received: NaN or infinity among them")
        best = probabilities.argmax(axis=1)
        return cls(np.asarray(columns, np.int64)[best], probabilities[np.arange(len(best)), best])

    def take(self, rows: NDArray[np.intp]) -> Self:
        """The same for some rows."""
        return type(self)(self.codes[rows], self.confidences[rows])


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that models answered.

    Attributes:
        truth: (n,) int64, accepted codes.
        clusters: cluster of each row.
        frozen: (n,) bool, the rows of the frozen hold-out.
    """

    truth: NDArray[np.int64]
    clusters: Sequence[str]
    frozen: NDArray[np.bool_]

    def take(self, rows: NDArray[np.intp]) -> Self:
        """The same for some rows."""
        return type(self)(self.truth[rows], [self.clusters[row] for row in rows], self.frozen[rows])


@dataclass(frozen=True, slots=True)
class Scores:
    """One model's scores in every draw; the first entry is the rows as they are.

    Attributes:
        weighted: (1 + draws,) weighted F1.
        by_class: (1 + draws, classes) F1.
        calibration: (1 + draws,) expected calibration error.
    """

    weighted: NDArray[np.float64]
    by_class: NDArray[np.float64]
    calibration: NDArray[np.float64]


class Draws:
    """Models scored on the rows as they are and on ``resamples`` draws of clusters.

    Attributes:
        rows: how many were answered.
        clusters: how many distinct ones.
        labels: (classes,) the codes among them, ascending.
        support: (classes,) rows of each.
        scores: of each model, in the order given.
    """

    def __init__(self, rows: Rows, models: Sequence[Answers], resamples: int) -> None:
        self.labels, self._truth = np.unique(rows.truth, return_inverse=True)
        names, self._cluster = np.unique(np.asarray(rows.clusters), return_inverse=True)
        self.rows, self.clusters = len(rows.truth), len(names)
        self.support = np.bincount(self._truth, minlength=len(self.labels))
        sums = [np.hstack([self._class_sums(one), self._confidence_sums(one)]) for one in models]
        with threadpool_limits(limits=1, user_api="blas"):  # small products: threads on a busy machine cost tenfold
            parts = [
                [_scores_of(weights @ one, len(self.labels)) for one in sums] for weights in self._weights(resamples)
            ]
        self.scores = [
            Scores(*(np.concatenate(column) for column in zip(*of_model, strict=True)))
            for of_model in zip(*parts, strict=True)
        ]

    def _weights(self, resamples: int) -> Iterator[NDArray[np.float32]]:
        """How often each cluster counts, some draws at a time: once each, then drawn with replacement."""
        random = np.random.default_rng(_SEED)
        yield np.ones((1, self.clusters), np.float32)
        for done in range(0, resamples, _CHUNK):
            yield drawn(random, self.clusters, min(_CHUNK, resamples - done))

    def _class_sums(self, answers: Answers) -> NDArray[np.float32]:
        """Per cluster and class: rows of it, rows answered as it, and both at once; side by side."""
        place = np.searchsorted(self.labels, answers.codes).clip(max=len(self.labels) - 1)
        known = self.labels[place] == answers.codes  # an answer that is nobody's truth counts against no class
        right = known & (place == self._truth)
        counted = [(self._truth, np.ones(self.rows, bool)), (place, known), (place, right)]
        return np.hstack([self._sum(column, len(self.labels), of.astype(float)) for column, of in counted])

    def _confidence_sums(self, answers: Answers) -> NDArray[np.float32]:
        """Per cluster and bin of confidence: sum of confidence minus sum of right answers."""
        place = np.minimum((answers.confidences * BINS).astype(np.intp), BINS - 1)
        right = answers.codes == self.labels[self._truth]
        return self._sum(place, BINS, answers.confidences - right)

    def _sum(self, column: NDArray[np.intp], columns: int, values: NDArray[np.float64]) -> NDArray[np.float32]:
        flat = np.bincount(self._cluster * columns + column, weights=values, minlength=self.clusters * columns)
        return flat.reshape(self.clusters, columns).astype(np.float32)


def drawn(random: np.random.Generator, clusters: int, resamples: int) -> NDArray[np.float32]:
    """How often each cluster counts, ``(resamples, clusters)``: as many as there are, drawn with replacement."""
    weights = np.empty((resamples, clusters), np.float32)
    for draw in weights:
        draw[:] = np.bincount(random.integers(0, clusters, clusters), minlength=clusters)
    return weights


def drawn_means(values: NDArray[np.float64], clusters: Sequence[str], resamples: int, seed: int) -> NDArray[np.float64]:
    """Mean of ``values`` (n,) on the rows as they are and on draws of clusters: ``(1 + resamples,)``."""
    names, cluster = np.unique(np.asarray(clusters), return_inverse=True)
    random = np.random.default_rng([_SEED, seed])
    weights = np.vstack([np.ones((1, len(names)), np.float32), drawn(random, len(names), resamples)])
    return (weights @ np.bincount(cluster, values)) / (weights @ np.bincount(cluster))


def _scores_of(sums: NDArray[np.float32], classes: int) -> tuple[NDArray[np.float64], ...]:
    support, answered, right, gaps = np.split(sums.astype(np.float64), [classes, 2 * classes, 3 * classes], axis=1)
    either = support + answered
    f1 = np.divide(2 * right, either, out=np.zeros_like(right), where=either > 0)
    rows = support.sum(axis=1)
    return (f1 * support).sum(axis=1) / rows, f1, np.abs(gaps).sum(axis=1) / rows
