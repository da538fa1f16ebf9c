"""The Keras heads that are trained side by side."""

from dataclasses import replace

import numpy as np
import pytest

from training.config import FusionConfig
from training.softmax import SoftmaxHeads, fit_softmax_heads

ROWS, WIDTH, CLASSES = 90, 5, 3


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(ROWS, WIDTH)).astype(np.float32)


@pytest.fixture(scope="module")
def labels(features: np.ndarray) -> np.ndarray:
    return features[:, :CLASSES].argmax(axis=1)


def train(
    features: np.ndarray, labels: np.ndarray, learns: np.ndarray, held: np.ndarray, config: FusionConfig
) -> SoftmaxHeads:
    settings = replace(config.experts["bert"], most_epochs=30, dropout=0.0, learning_rate=0.05)
    return fit_softmax_heads(
        features, labels, learns, held.astype(np.float32), classes=CLASSES, config=settings, seed=4
    )


@pytest.fixture(scope="module")
def learns() -> np.ndarray:
    """Two heads: the first learns from even rows, the second from odd ones."""
    even = np.arange(ROWS) % 2 == 0
    return np.stack([even, ~even], axis=1)


def test_every_head_learns(features: np.ndarray, labels: np.ndarray, learns: np.ndarray, config: FusionConfig) -> None:
    heads = train(features, labels, learns, ~learns, config)
    assert heads.weight.shape == (2, WIDTH, CLASSES)
    for weight, bias in zip(heads.weight, heads.bias, strict=True):
        assert ((features @ weight + bias).argmax(axis=1) == labels).mean() > 0.8
    assert heads.curves["val_loss"][0] > min(heads.curves["val_loss"])


def test_a_head_is_blind_to_the_rows_it_does_not_learn_from(
    features: np.ndarray, labels: np.ndarray, learns: np.ndarray, config: FusionConfig
) -> None:
    """Other labels on the even rows change the head that learns from them, and no bit of its neighbour."""
    only_neighbour = learns & [False, True]  # decides when both stop
    before = train(features, labels, learns, only_neighbour, config)
    other = np.where(learns[:, 0], (labels + 1) % CLASSES, labels)
    after = train(features, other, learns, only_neighbour, config)
    assert not np.array_equal(before.weight[0], after.weight[0])
    np.testing.assert_array_equal(before.weight[1], after.weight[1])


def test_training_twice_gives_the_same_bits(
    features: np.ndarray, labels: np.ndarray, learns: np.ndarray, config: FusionConfig
) -> None:
    first, second = (train(features, labels, learns, ~learns, config) for _ in range(2))
    np.testing.assert_array_equal(first.weight, second.weight)
    assert first.curves == second.curves
