"""A dense softmax head by AdamW on blocks of cached features, from given weights."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from inference.fusion import log_softmax
from inference.heads import DenseHead
from training.config import SoftmaxConfig

_FIRST, _SECOND, _TINY = np.float32(0.9), np.float32(0.999), np.float32(1e-7)  # AdamW's usual constants
_BLOCK = 4096  # rows answered at once


@dataclass
class _AdamW:
    """Moments of one array, which ``step`` changes in place."""

    array: NDArray[np.float32]
    decay: float
    steps: int = 0
    first: NDArray[np.float32] = field(init=False)
    second: NDArray[np.float32] = field(init=False)

    def __post_init__(self) -> None:
        self.first, self.second = np.zeros_like(self.array), np.zeros_like(self.array)

    def step(self, slope: NDArray[np.float32], rate: float) -> None:
        self.steps += 1
        self.first += (1 - _FIRST) * (slope - self.first)
        self.second += (1 - _SECOND) * (np.square(slope) - self.second)
        scaled = rate * np.sqrt(1 - _SECOND**self.steps) / (1 - _FIRST**self.steps)
        self.array *= np.float32(1 - rate * self.decay)
        self.array -= np.float32(scaled) * self.first / (np.sqrt(self.second) + _TINY)


def fit_softmax_head(
    features: NDArray[np.float16],
    labels: NDArray[np.intp],
    learns: NDArray[np.intp],
    judges: NDArray[np.intp],
    start: DenseHead,
    *,
    config: SoftmaxConfig,
    rate: float,
    patience: int,
    seed: int,
) -> tuple[DenseHead, dict[str, list[float]]]:
    """Train until rows that are not learnt from stop getting likelier, and keep the best epoch, the start included.

    The same arguments give the same bits on the same kind of processor, given one thread.

    Args:
        features: ``(n, d)`` float16, as cached; memory-mapped is fine.
        labels: ``(n,)`` in [0, classes).
        learns: rows to learn from.
        judges: rows to stop by; without any, every epoch is taken.
        start: weights to start from, with the mean and deviation to standardise by.
        config: batch size, decay, smoothing, dropout, most epochs.
        rate: learning rate.
        patience: epochs without a better loss after which training stops.
        seed: of dropout and the order of rows.

    Returns:
        The head, and ``loss`` and ``val_loss`` of each epoch.
    """
    random = np.random.default_rng(seed)
    head = DenseHead(start.mean, start.scale, start.weight.copy(), start.bias.copy())
    steps = (_AdamW(head.weight, config.weight_decay), _AdamW(head.bias, 0.0))
    best = (_surprise(head, features, labels, judges), start.weight, start.bias)
    curves: dict[str, list[float]] = {"loss": [], "val_loss": []}
    waited = 0
    for _ in range(config.most_epochs):
        order = random.permutation(learns)
        lost = sum(
            _step(head, steps, features, labels, order[at : at + config.batch_rows], config, rate, random)
            for at in range(0, len(order), config.batch_rows)
        )
        found = _surprise(head, features, labels, judges)
        curves["loss"].append(lost / len(learns))
        curves["val_loss"].append(found)
        waited = 0 if found < best[0] or not len(judges) else waited + 1
        if not waited:
            best = (found, head.weight.copy(), head.bias.copy())
        elif waited >= patience:
            break
    return DenseHead(start.mean, start.scale, best[1], best[2]), curves


def _step(
    head: DenseHead,
    steps: tuple[_AdamW, _AdamW],
    features: NDArray[np.float16],
    labels: NDArray[np.intp],
    rows: NDArray[np.intp],
    config: SoftmaxConfig,
    rate: float,
    random: np.random.Generator,
) -> float:
    """One batch; returns the sum of its rows' losses."""
    seen = head.standardise(features[rows])
    if config.dropout:
        seen *= (random.random(seen.shape, np.float32) >= config.dropout) / np.float32(1 - config.dropout)
    logs = log_softmax(seen @ head.weight + head.bias)
    wanted = np.full_like(logs, config.label_smoothing / logs.shape[1])
    wanted[np.arange(len(rows)), labels[rows]] += 1 - config.label_smoothing
    slope = (np.exp(logs) - wanted) / len(rows)
    for step, gradient in zip(steps, (seen.T @ slope, slope.sum(axis=0)), strict=True):
        step.step(gradient, rate)
    return -float((wanted * logs).sum())


def _surprise(
    head: DenseHead, features: NDArray[np.float16], labels: NDArray[np.intp], rows: NDArray[np.intp]
) -> float:
    """Mean of minus the log-probability of each row's label; 0 without rows."""
    total = 0.0
    for at in range(0, len(rows), _BLOCK):
        block = rows[at : at + _BLOCK]
        total -= float(log_softmax(head.logits(features[block]))[np.arange(len(block)), labels[block]].sum())
    return total / max(len(rows), 1)
