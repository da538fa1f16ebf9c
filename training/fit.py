"""Trains a model of the family on one snapshot: experts, their fusion, and the scores they were chosen by."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from core.domain.product import Modality
from core.domain.splits import Split
from inference.fusion_model import FusionModel
from training.config import FusionConfig
from training.experts import FittedExpert
from training.family import Recipe, fit_expert
from training.fusion import fit_blends
from training.growth.experts import Start, on_validation_rows
from training.learning_rows import LearningRows, TooFewRows, TrainingData
from training.selective import Thresholds

Progress = Callable[[str], None]
"""Told one line of text after every stage."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """Final answers to learning rows by experts and blends that have not learnt from them.

    Attributes:
        places: ``(n,)`` intp, positions in the snapshot's data, ascending.
        labels: ``(n,)`` intp, column of each row's code.
        probabilities: ``(n, present classes)`` float64, from all the halves that each row has.
    """

    places: NDArray[np.intp]
    labels: NDArray[np.intp]
    probabilities: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FittedModel:
    """A trained model, not yet packaged.

    Attributes:
        recipe: how it was made.
        model: answers from features.
        out_of_fold: weighted F1 in [0, 1] by halves, then by expert or ``fusion``, on rows not learnt from.
        curves: one value an epoch, as ``bert.loss``, ``bert.val_loss``.
        rows: how many were learnt from, by split.
        seconds: of each stage.
        unseen: what it says of rows it has not learnt from.
        thresholds: from which confidence on its answers may stand.
    """

    recipe: Recipe
    model: FusionModel
    out_of_fold: dict[Modality, dict[str, float]]
    curves: dict[str, list[float]]
    rows: dict[str, int]
    seconds: dict[str, float]
    unseen: Unseen
    thresholds: Thresholds


def fit_model(
    recipe: Recipe,
    data: TrainingData,
    config: FusionConfig,
    progress: Progress = lambda line: None,
    start: Start | None = None,
    *,
    known_to_encoders: bool = False,
) -> FittedModel:
    """Train every expert with and without each part of the training rows, then learn to fuse them.

    Learns heads from ``train`` rows; when to stop, temperatures and fusion weights from out-of-fold ``train`` rows and
    ``validation`` rows; no other row is looked at. Where the store is large (``config.growth``), every expert learns
    once, from the weights of ``start``, and all that was said is learnt from ``validation`` rows alone. The same data,
    configuration and start give the same arrays on the same kind of processor.

    Args:
        recipe: the model's.
        data: a snapshot with its features.
        config: hyperparameters.
        progress: told one line after every stage.
        start: weights to start from; for large stores.
        known_to_encoders: an encoder was fine-tuned on training rows. No head can leave out what its features know,
            so here too every expert learns once and only ``validation`` rows, if there are any, say how sure to be.

    Raises:
        TooFewRows: fewer than two classes of the taxonomy have training rows.
    """
    with threadpool_limits(limits=1, user_api="blas"):  # sums must not depend on how many cores are free
        once = config.growth.is_large(data.splits) or (known_to_encoders and Split.VALIDATION in data.splits)
        return _fit(recipe, data, config, progress, start, once=once)


def _fit(
    recipe: Recipe, data: TrainingData, config: FusionConfig, progress: Progress, start: Start | None, *, once: bool
) -> FittedModel:
    rows = LearningRows.choose(data, folds=0 if once else config.folds, seed=config.seed)
    counts = {"train": int(rows.train.sum()), "validation": int((~rows.train).sum())}
    progress(f"learning {rows.classes} of {len(data.taxonomy_codes)} classes from {counts}")
    seconds: dict[str, float] = {}
    experts = _fit_experts(recipe, rows, config, seconds, progress, start)
    started = time.monotonic()
    judged, said = on_validation_rows(rows, experts) if once else (rows, experts)
    fused = fit_blends(judged, said, config.fusion, recipe.blend)
    seconds["fusion"] = round(time.monotonic() - started, 2)
    progress(f"fusion: out of fold {_rounded(fused.weighted_f1)}, in {seconds['fusion']} s")
    if not fused.fusion.blends:
        raise TooFewRows(f"{recipe.name} needs rows of two classes with what its experts read: {recipe.experts}")
    heads = {name: expert.head for name, expert in experts.items()}
    model = FusionModel(tuple(data.taxonomy_codes), rows.present, heads, fused.fusion)
    curves = {f"{name}.{curve}": it for name, expert in experts.items() for curve, it in expert.curves.items()}
    thresholds = Thresholds.choose(
        {
            half: (said.max(axis=1), said.argmax(axis=1) == judged.labels[at])
            for half, (at, said) in fused.unseen.items()
        }
    )
    unseen = _unseen(judged, fused.unseen)
    return FittedModel(recipe, model, fused.weighted_f1, curves, counts, seconds, unseen, thresholds)


def _unseen(rows: LearningRows, by_half: Mapping[Modality, tuple[NDArray[np.intp], NDArray[np.float64]]]) -> Unseen:
    """Each row by the richest set of halves that it has and that there is a blend for."""
    known = np.full((len(rows.labels), rows.classes), np.nan)
    for half in (Modality.IMAGE_ONLY, Modality.TEXT_ONLY, Modality.TEXT_AND_IMAGE):
        if half in by_half:
            at, said = by_half[half]
            known[at] = said
    answered = np.flatnonzero(~np.isnan(known[:, 0]))
    return Unseen(rows.places[answered], rows.labels[answered], known[answered])


def _fit_experts(
    recipe: Recipe,
    rows: LearningRows,
    config: FusionConfig,
    seconds: dict[str, float],
    progress: Progress,
    start: Start | None,
) -> dict[str, FittedExpert]:
    experts: dict[str, FittedExpert] = {}
    for name in recipe.experts:
        started = time.monotonic()
        fitted = fit_expert(name, rows, config, start)
        seconds[name] = round(time.monotonic() - started, 2)
        if fitted is not None:
            experts[name] = fitted
        progress(f"{name}: learnt in {seconds[name]} s" if fitted else f"{name}: nothing to learn from")
    return experts


def _rounded(scores: dict[Modality, dict[str, float]]) -> dict[str, dict[str, float]]:
    return {half.value: {name: round(score, 4) for name, score in each.items()} for half, each in scores.items()}
