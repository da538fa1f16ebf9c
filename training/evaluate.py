"""How good a model's answers are: F1 with intervals, calibration, confusion, and the slices it does worse on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.domain.product import Modality
from preprocessing.language import languages_of
from training.calibration import BINS, Reliability, brier, calibration_error, reliability, surprise
from training.resampling import DRAWS, f1_draws, interval
from training.selective import Selected, halves_of, select

__all__ = ["BINS", "ClassScore", "Evaluation", "Slice", "calibration_error", "confusion", "evaluate", "weighted_f1"]

FEWEST_ROWS_OF_A_LANGUAGE = 20
"""A language with fewer rows is no slice of its own."""


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class: F1 in [0, 1] with its 95 % interval, and how many rows truly have it."""

    f1: float
    support: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Slice:
    """Some of the rows: weighted F1 in [0, 1] and how many they are."""

    weighted_f1: float
    rows: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A model's scores on some rows, in [0, 1] where nothing else is said.

    Attributes:
        rows: how many.
        weighted_f1: F1 of each class, averaged by support.
        weighted_f1_interval: the middle 95 % of what it is on rows drawn again, whole clusters at a time.
        macro_f1: F1 of the classes that have support, averaged equally.
        accuracy: share of right answers.
        reliability: confidence against share of right answers, in bins.
        brier: mean squared distance from the truth, in [0, 2].
        surprise: mean negative log-likelihood in nats.
        classes: by code, for every code.
        confusion: ``(classes, classes)`` int64, true class by answered class, in the order of ``classes``.
        slices: by the halves that products have; only those that occur.
        alone: answered from one half although the product has more; only halves that occur.
        languages: by the likely language of the text; only those with some rows.
        selected: what the model's own thresholds let stand; None where it promises nothing.
    """

    rows: int
    weighted_f1: float
    weighted_f1_interval: tuple[float, float]
    macro_f1: float
    accuracy: float
    reliability: Reliability
    brier: float
    surprise: float
    classes: dict[int, ClassScore]
    confusion: NDArray[np.int64]
    slices: dict[Modality, Slice]
    alone: dict[Modality, Slice]
    languages: dict[str, Slice]
    selected: Selected | None

    @property
    def calibration_error(self) -> float:
        """Expected calibration error of the confidences, 15 bins."""
        return self.reliability.error

    def metrics(self) -> dict[str, float]:
        """The scores by the names that the tracking server shows."""
        return dict(self._metrics())

    def to_dict(self) -> dict[str, Any]:
        """Return the plain form: everything but the confusion matrix."""
        classes = {
            str(code): {"f1": it.f1, "support": it.support, "interval": [it.low, it.high]}
            for code, it in self.classes.items()
        }
        return {**self.metrics(), "rows": self.rows, "classes": classes}

    def _metrics(self) -> Iterator[tuple[str, float]]:
        for name in ("weighted_f1", "macro_f1", "accuracy", "calibration_error", "brier"):
            yield name, getattr(self, name)
        yield "negative_log_likelihood", self.surprise
        yield "weighted_f1.low", self.weighted_f1_interval[0]
        yield "weighted_f1.high", self.weighted_f1_interval[1]
        yield "calibration_error.honest", self.reliability.honest_error
        yield "calibration_error.honest_high", self.reliability.honest_error_high
        for modality, it in self.slices.items():
            yield f"weighted_f1.{modality.value.replace('+', '-and-')}", it.weighted_f1
        for modality, it in self.alone.items():
            yield f"weighted_f1.from-{modality.value}", it.weighted_f1
        for language, it in self.languages.items():
            yield f"weighted_f1.language-{language}", it.weighted_f1
        if self.selected is not None:
            yield "answered_share", self.selected.coverage
            yield "answered_precision_bound", self.selected.bound
            if self.selected.precision is not None:
                yield "answered_precision", self.selected.precision


def evaluate(
    truth: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    codes: Sequence[int],
    *,
    has_text: NDArray[np.bool_],
    has_image: NDArray[np.bool_],
    clusters: Sequence[str] | None = None,
    texts: Sequence[str] = (),
    alone: Mapping[Modality, NDArray[np.float64]] | None = None,
    thresholds: NDArray[np.float64] | None = None,
    draws: int = DRAWS,
) -> Evaluation:
    """Score ``(n, classes)`` probabilities against true codes.

    A true code outside ``codes`` (the model's taxonomy was older) counts as answered wrongly.

    Args:
        truth: ``(n,)`` accepted codes.
        probabilities: columns in the order of ``codes``, rows summing to 1.
        codes: ascending.
        has_text: ``(n,)``.
        has_image: ``(n,)``.
        clusters: copies of one product share theirs; None: there are no copies.
        texts: ``(n,)`` for the slices by language; none of them: no such slices.
        alone: ``(n, classes)`` probabilities from one half only, by half; rows without that half are not looked at.
        thresholds: ``(n,)`` confidence from which each row's answer may stand; None: the model promises nothing.
        draws: for the intervals.

    Raises:
        ValueError: there are no rows.
    """
    if not len(truth):
        raise ValueError("expected at least one row. Received: none")
    every = np.union1d(codes, truth)
    place = np.searchsorted(every, codes)
    labels, answered = np.searchsorted(every, truth), place[probabilities.argmax(axis=1)]
    confidences, right = probabilities.max(axis=1), labels == answered
    table = confusion(labels, answered, len(every))
    scores, support = f1_by_class(table), table.sum(axis=1)
    names = [str(row) for row in range(len(truth))] if clusters is None else clusters
    weighted_draws, class_draws = f1_draws(labels, answered, names, classes=len(every), draws=draws)
    columns = np.where(np.isin(truth, codes), np.searchsorted(codes, truth).clip(max=len(codes) - 1), -1)
    halves = {Modality.TEXT_ONLY: has_text, Modality.IMAGE_ONLY: has_image}
    return Evaluation(
        rows=len(truth),
        weighted_f1=float(scores @ support / support.sum()),
        weighted_f1_interval=interval(weighted_draws),
        macro_f1=float(scores[support > 0].mean()),
        accuracy=float(right.mean()),
        reliability=reliability(confidences, right),
        brier=brier(probabilities, columns),
        surprise=surprise(probabilities, columns),
        classes={
            int(code): ClassScore(float(scores[at]), int(support[at]), *interval(class_draws[:, at]))
            for at, code in enumerate(every)
        },
        confusion=table,
        slices=_slices(labels, answered, halves_of(has_text, has_image)),
        alone={
            half: _slice(labels, place[each.argmax(axis=1)], halves[half])
            for half, each in (alone or {}).items()
            if halves[half].any()
        },
        languages=_languages(labels, answered, texts),
        selected=select(thresholds, confidences, right) if thresholds is not None else None,
    )


def confusion(truth: NDArray[np.intp], answered: NDArray[np.intp], classes: int) -> NDArray[np.int64]:
    """``(classes, classes)`` counts of true class by answered class."""
    return np.bincount(truth * classes + answered, minlength=classes**2).reshape(classes, classes)


def f1_by_class(table: NDArray[np.int64]) -> NDArray[np.float64]:
    """``(classes,)`` F1 from a confusion table; 0 for a class that is neither true nor answered anywhere."""
    return 2 * np.diag(table) / np.maximum(table.sum(axis=0) + table.sum(axis=1), 1)


def weighted_f1(truth: NDArray[np.intp], answered: NDArray[np.intp]) -> float:
    """F1 of each class, averaged by how many rows truly have it; 0 without rows."""
    if not len(truth):
        return 0.0
    table = confusion(truth, answered, int(max(truth.max(), answered.max())) + 1)
    return float(f1_by_class(table) @ table.sum(axis=1) / len(truth))


def _slices(
    labels: NDArray[np.intp], answered: NDArray[np.intp], masks: Mapping[Any, NDArray[np.bool_]]
) -> dict[Any, Slice]:
    return {name: _slice(labels, answered, mask) for name, mask in masks.items() if mask.any()}


def _slice(labels: NDArray[np.intp], answered: NDArray[np.intp], mask: NDArray[np.bool_]) -> Slice:
    return Slice(weighted_f1(labels[mask], answered[mask]), int(mask.sum()))


def _languages(labels: NDArray[np.intp], answered: NDArray[np.intp], texts: Sequence[str]) -> dict[str, Slice]:
    spoken = languages_of(texts)
    names, counts = np.unique(spoken, return_counts=True)
    often = [str(name) for name in names[counts >= FEWEST_ROWS_OF_A_LANGUAGE]]
    return _slices(labels, answered, {name: spoken == name for name in often})
