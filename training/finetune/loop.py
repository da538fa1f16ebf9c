"""Trains an encoder and a head over it, step by step, so that a killed run goes on as if nothing had happened."""

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from training.evaluate import weighted_f1
from training.finetune.checkpoint import Standing
from training.finetune.config import FinetuneConfig
from training.softmax import balance

log = logging.getLogger(__name__)

_TOLD_STEPS = 10  # steps between two lines of progress
_LONGEST_GRADIENT = 1.0

Inputs = dict[str, NDArray[np.generic]]

Watch = Callable[[int, Mapping[str, float]], None]
"""Hears of batches learnt from so far, and of numbers by name: ``loss`` and ``learning_rate`` of a batch, or those of a
finished epoch, as ``epoch/val_loss``."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What there is to learn.

    Attributes:
        read: the model's inputs for some rows; with an epoch, as they are shown in it (augmented), without as they are.
        labels: ``(n,)`` intp in [0, classes).
        train: ``(t,)`` rows to learn from.
        validation: ``(v,)`` rows that say when to stop; with none, every epoch is trained.
        classes: columns of the logits.
    """

    read: Callable[[NDArray[np.intp], int | None], Inputs]
    labels: NDArray[np.intp]
    train: NDArray[np.intp]
    validation: NDArray[np.intp]
    classes: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended; the model holds the best epoch's weights.

    Attributes:
        steps: batches learnt from.
        planned: batches in all epochs.
        curves: of each finished epoch ``loss``; with validation rows also ``val_loss``, ``val_accuracy`` and
            ``val_weighted_f1``.
        answers: ``(v, classes)`` float32, logits of the validation rows.
    """

    steps: int
    planned: int
    curves: dict[str, list[float]]
    answers: NDArray[np.float32]


def finetune(
    model: keras.Model,
    lesson: Lesson,
    config: FinetuneConfig,
    *,
    seed: int,
    folder: Path,
    max_steps: int | None = None,
    watched: Callable[[int], Watch] = lambda start: lambda step, numbers: None,
) -> Outcome:
    """Train ``model`` on the lesson, going on from the folder's checkpoint if there is one.

    The same arguments give the same bits on the same kind of processor, however often the run was killed. The caller
    has fixed what chance depends on before it built the model.

    Args:
        model: inputs as ``lesson.read`` gives them, to ``(batch, classes)`` logits; not compiled.
        lesson: rows and labels.
        config: hyperparameters.
        seed: of the order of rows.
        folder: keeps the checkpoint; one folder for one training.
        max_steps: stop after so many batches in all; the same folder without it goes on. Where somebody has gone on
            already, so many batches are learnt from again, apart: the same limit gives the same weights, always.
        watched: told how many batches were learnt from before; returns who hears of finished epochs, those before
            included, and of the batches to come.
    """
    if max_steps is not None and Standing.steps_in(folder) > max_steps:
        folder = folder / str(max_steps)
    return _Training(model, lesson, config, seed, folder, watched).run(max_steps)


class _Training:
    def __init__(
        self,
        model: keras.Model,
        lesson: Lesson,
        config: FinetuneConfig,
        seed: int,
        folder: Path,
        watched: Callable[[int], Watch],
    ) -> None:
        self._model, self._lesson, self._config, self._seed, self._folder = model, lesson, config, seed, folder
        self._steps_an_epoch = math.ceil(len(lesson.train) / config.batch_rows)
        self._planned = config.epochs * self._steps_an_epoch
        hard = np.eye(lesson.classes, dtype=np.float32)[lesson.labels]
        self._soft = hard * (1 - config.label_smoothing) + config.label_smoothing / lesson.classes
        self._counts = np.zeros(len(lesson.labels), np.float32)
        self._counts[lesson.train] = balance(lesson.labels[lesson.train], lesson.classes, config.balance)
        self._compile()
        self._standing = Standing.load(model, folder)
        self._watch = watched(self._standing.step)
        for epoch in range(len(self._standing.curves["loss"])):
            self._tell_epoch(epoch)

    def _compile(self) -> None:
        config = self._config
        warm = max(1, round(config.warmup * self._planned))
        self._rate = keras.optimizers.schedules.CosineDecay(
            0.0, max(1, self._planned - warm), warmup_target=config.learning_rate, warmup_steps=warm
        )
        optimizer = keras.optimizers.AdamW(
            self._rate, weight_decay=config.weight_decay, global_clipnorm=_LONGEST_GRADIENT
        )
        loss = keras.losses.CategoricalCrossentropy(from_logits=True)
        self._model.compile(optimizer, loss=loss, jit_compile=False)
        optimizer.build(self._model.trainable_variables)

    def run(self, max_steps: int | None) -> Outcome:
        last = self._planned if max_steps is None else min(self._planned, max_steps)
        standing = self._standing
        while standing.step < last and not self._had_enough():
            self._step()
            if standing.step % self._steps_an_epoch == 0:
                self._finish_epoch()
            if standing.step % self._config.checkpoint_steps == 0 or standing.step == last:
                standing.save(self._model, self._folder)
        if standing.best:
            for variable, array in zip(self._model.weights, standing.best, strict=True):
                variable.assign(array)
        return Outcome(standing.step, self._planned, standing.curves, self._answers())

    def _step(self) -> None:
        started, standing = time.monotonic(), self._standing
        epoch, place = divmod(standing.step, self._steps_an_epoch)
        order = np.random.default_rng([self._seed, epoch]).permutation(self._lesson.train)
        rows = order[place * self._config.batch_rows : (place + 1) * self._config.batch_rows]
        self._model.reset_metrics()  # else the loss would be an average over steps before a kill
        loss = self._model.train_on_batch(
            self._lesson.read(rows, epoch), self._soft[rows], sample_weight=self._counts[rows]
        )
        standing.losses.append(float(loss))
        rate = float(self._rate(standing.step))
        standing.step += 1
        self._watch(standing.step, {"loss": standing.losses[-1], "learning_rate": rate})
        if standing.step % _TOLD_STEPS == 0:
            facts = {"step": standing.step, "of": self._planned, "loss": round(standing.losses[-1], 4)}
            log.info("finetune.step", extra={**facts, "seconds_a_step": round(time.monotonic() - started, 2)})

    def _finish_epoch(self) -> None:
        standing, curves = self._standing, self._standing.curves
        curves["loss"].append(float(np.mean(standing.losses)))
        standing.losses = []
        if len(self._lesson.validation):
            for name, value in _scores(self._answers(), self._lesson.labels[self._lesson.validation]).items():
                curves[name].append(value)
            if curves["val_loss"][-1] == min(curves["val_loss"]):
                standing.best = [np.array(weight) for weight in self._model.weights]
        self._tell_epoch(len(curves["loss"]) - 1)
        facts = {name: round(values[-1], 4) for name, values in curves.items() if values}
        log.info("finetune.epoch", extra={"epoch": len(curves["loss"]), "of": self._config.epochs, **facts})

    def _tell_epoch(self, epoch: int) -> None:
        numbers = {f"epoch/{name}": values[epoch] for name, values in self._standing.curves.items() if values}
        self._watch((epoch + 1) * self._steps_an_epoch, numbers)

    def _had_enough(self) -> bool:
        judged = self._standing.curves["val_loss"]
        return len(judged) - int(np.argmin(judged)) > self._config.patience if judged else False

    def _answers(self) -> NDArray[np.float32]:
        rows, size = self._lesson.validation, self._config.batch_rows
        blocks = [rows[start : start + size] for start in range(0, len(rows), size)]
        said = [np.asarray(self._model.predict_on_batch(self._lesson.read(block, None))) for block in blocks]
        return np.concatenate([np.zeros((0, self._lesson.classes), np.float32), *said])


def _scores(logits: NDArray[np.float32], labels: NDArray[np.intp]) -> dict[str, float]:
    answered = logits.argmax(axis=1)
    right = {"val_accuracy": float((answered == labels).mean()), "val_weighted_f1": weighted_f1(labels, answered)}
    return {"val_loss": _cross_entropy(logits, labels), **right}


def _cross_entropy(logits: NDArray[np.float32], labels: NDArray[np.intp]) -> float:
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=1, keepdims=True)
    logs = wide - np.log(np.exp(wide).sum(axis=1, keepdims=True))
    return float(-logs[np.arange(len(labels)), labels].mean())
