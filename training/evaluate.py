"""How good a model's answers are: F1, calibration, confusion, and the slices that lack a half."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.domain.product import Modality

BINS = 15
"""Bins of confidence in the calibration error."""


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class: F1 in [0, 1] and how many rows truly have it."""

    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Slice:
    """Some of the rows: weighted F1 in [0, 1] and how many they are."""

    weighted_f1: float
    rows: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A model's scores on some rows, all in [0, 1].

    Attributes:
        rows: how many.
        weighted_f1: F1 of each class, averaged by support.
        macro_f1: F1 of the classes that have support, averaged equally.
        accuracy: share of right answers.
        calibration_error: expected calibration error of the confidences, 15 bins.
        classes: by code, for every code.
        confusion: ``(classes, classes)`` int64, true class by answered class, in the order of the codes.
        slices: by the halves that products have; only those that occur.
    """

    rows: int
    weighted_f1: float
    macro_f1: float
    accuracy: float
    calibration_error: float
    classes: dict[int, ClassScore]
    confusion: NDArray[np.int64]
    slices: dict[Modality, Slice]

    def metrics(self) -> dict[str, float]:
        """The scores by the names that the tracking server shows."""
        names = ("weighted_f1", "macro_f1", "accuracy", "calibration_error")
        slices = {f"weighted_f1.{modality.value.replace('+', '-and-')}": it for modality, it in self.slices.items()}
        return {name: getattr(self, name) for name in names} | {name: it.weighted_f1 for name, it in slices.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return the plain form: everything but the confusion matrix."""
        classes = {str(code): {"f1": score.f1, "support": score.support} for code, score in self.classes.items()}
        return {**self.metrics(), "rows": self.rows, "classes": classes}


def evaluate(
    truth: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    codes: Sequence[int],
    *,
    has_text: NDArray[np.bool_],
    has_image: NDArray[np.bool_],
) -> Evaluation:
    """Score ``(n, classes)`` probabilities against true codes.

    A true code outside ``codes`` (the model's taxonomy was older) counts as answered wrongly.

    Args:
        truth: ``(n,)`` accepted codes.
        probabilities: columns in the order of ``codes``, rows summing to 1.
        codes: ascending.
        has_text: ``(n,)``.
        has_image: ``(n,)``.

    Raises:
        ValueError: there are no rows.
    """
    if not len(truth):
        raise ValueError("expected at least one row. Received: none")
    every = np.union1d(codes, truth)
    labels, answered = np.searchsorted(every, truth), np.searchsorted(every, codes)[probabilities.argmax(axis=1)]
    table = confusion(labels, answered, len(every))
    scores, support = f1_by_class(table), table.sum(axis=1)
    return Evaluation(
        rows=len(truth),
        weighted_f1=float(scores @ support / support.sum()),
        macro_f1=float(scores[support > 0].mean()),
        accuracy=float((labels == answered).mean()),
        calibration_error=calibration_error(probabilities.max(axis=1), labels == answered),
        classes={
            int(code): ClassScore(float(score), int(rows))
            for code, score, rows in zip(every, scores, support, strict=True)
        },
        confusion=table,
        slices=_slices(labels, answered, has_text, has_image),
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


def calibration_error(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Mean distance between confidence and share of right answers over bins of equal width, weighted by rows."""
    bins = np.minimum((confidences * BINS).astype(np.intp), BINS - 1)
    gaps = np.bincount(bins, confidences - right, minlength=BINS)
    return float(np.abs(gaps).sum() / len(confidences))


def _slices(
    labels: NDArray[np.intp], answered: NDArray[np.intp], has_text: NDArray[np.bool_], has_image: NDArray[np.bool_]
) -> dict[Modality, Slice]:
    masks = {
        Modality.TEXT_AND_IMAGE: has_text & has_image,
        Modality.TEXT_ONLY: has_text & ~has_image,
        Modality.IMAGE_ONLY: has_image & ~has_text,
    }
    return {
        modality: Slice(weighted_f1(labels[mask], answered[mask]), int(mask.sum()))
        for modality, mask in masks.items()
        if mask.any()
    }
