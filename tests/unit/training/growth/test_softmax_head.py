"""A head on a large store: learnt in blocks, to the same bits each time, and never worse than what it starts from."""

from dataclasses import replace

import numpy as np
import pytest

from inference.heads import DenseHead
from training.config import SoftmaxConfig
from training.growth.softmax import fit_softmax_head

CLASSES = 3


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    return np.random.default_rng(1).integers(0, CLASSES, 300)


@pytest.fixture(scope="module")
def features(labels: np.ndarray) -> np.ndarray:
    random = np.random.default_rng(2)
    return (random.normal(size=(CLASSES, 6))[labels] + random.normal(size=(300, 6))).astype(np.float16)


@pytest.fixture(scope="module")
def blank(features: np.ndarray) -> DenseHead:
    mean, scale = features.mean(axis=0, dtype=np.float32), features.std(axis=0, dtype=np.float32)
    return DenseHead(mean, scale, np.zeros((6, CLASSES), np.float32), np.zeros(CLASSES, np.float32))


@pytest.fixture(scope="module")
def softmax() -> SoftmaxConfig:
    numbers = {"learning_rate": 1e-2, "weight_decay": 0.01, "label_smoothing": 0.05, "dropout": 0.2}
    return SoftmaxConfig(**numbers, batch_rows=32, most_epochs=20, patience=5, balance=0.0)


def answers(head: DenseHead, features: np.ndarray) -> np.ndarray:
    return head.logits(features).argmax(axis=1)


def test_a_softmax_head_learns_and_repeats_itself_to_the_bit(
    features: np.ndarray, labels: np.ndarray, blank: DenseHead, softmax: SoftmaxConfig
) -> None:
    learns, judges = np.arange(200), np.arange(200, 300)
    facts = {"config": softmax, "seed": 1}
    one, curves = fit_softmax_head(features, labels, learns, judges, blank, **facts)
    other, _ = fit_softmax_head(features, labels, learns, judges, blank, **facts)
    assert (answers(one, features[judges]) == labels[judges]).mean() > 0.7
    assert np.array_equal(one.weight, other.weight)
    assert len(curves["loss"]) == len(curves["val_loss"])


def test_a_start_that_training_makes_worse_is_kept(
    features: np.ndarray, labels: np.ndarray, blank: DenseHead, softmax: SoftmaxConfig
) -> None:
    rows = np.arange(300)
    good, _ = fit_softmax_head(features, labels, rows, rows, blank, config=softmax, seed=1)
    wrong = (labels + 1) % CLASSES
    upside_down = np.concatenate([features, features]), np.concatenate([wrong, labels])
    kept, curves = fit_softmax_head(*upside_down, rows, rows + 300, good, config=replace(softmax, patience=2), seed=1)
    assert np.array_equal(kept.weight, good.weight)
    assert len(curves["loss"]) <= 4
