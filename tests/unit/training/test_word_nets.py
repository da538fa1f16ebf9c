"""Which rows a network over words learns from and answers; the networks themselves are met one tier up."""

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from inference.fusion_model import Inputs
from inference.word_net import WordNetHead
from training.learning_rows import LearningRows
from training.word_net_config import WordNetConfig
from training.word_nets import fit_word_net

SETTINGS = WordNetConfig(
    words=4,
    bits=8,
    width=2,
    units=2,
    learning_rate=1e-2,
    label_smoothing=0.0,
    word_dropout=0.0,
    dropout=0.0,
    batch_rows=4,
    most_epochs=9,
    patience=2,
    balance=0.0,
    folds=2,
)
CONFIG = SimpleNamespace(experts={"conv1d": SETTINGS}, seed=3)
TEXTS = ["rouge", "bleu", "", "vert", "noir", "blanc", "gris", "rose"]
TRAIN = np.array([True] * 6 + [False] * 2)


class Trainings:
    """Stands in for Keras: notes which rows each network learnt from and was judged by, and how long it ran."""

    def __init__(self) -> None:
        self.seen: list[tuple[list[int], list[int], int]] = []

    def train_word_net(
        self, name: str, ids: np.ndarray, labels: np.ndarray, learnt: np.ndarray, held: np.ndarray, **given: Any
    ) -> tuple[WordNetHead, dict[str, list[float]]]:
        self.seen.append((np.flatnonzero(learnt).tolist(), np.flatnonzero(held).tolist(), given["epochs"]))
        number = len(self.seen)
        graph = SimpleNamespace(run=lambda ids: np.full((len(ids), 2), number, np.float32))
        losses = [3.0, 1.0 / number, 2.0] if number < 2 else [3.0, 2.0, 2.0, 1.0]
        return WordNetHead(name, SETTINGS.rule, {}, graph), {"loss": losses, "val_loss": losses}


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> Trainings:
    stand_in = Trainings()
    monkeypatch.setitem(sys.modules, "training.word_network", SimpleNamespace(train_word_net=stand_in.train_word_net))
    return stand_in


def learning_rows(parts: list[int], folds: int) -> LearningRows:
    everywhere = np.ones(8, bool)
    inputs = Inputs({}, TEXTS, np.array([bool(text) for text in TEXTS]), everywhere)
    return LearningRows(np.arange(8), inputs, np.arange(2), np.arange(8) % 2, TRAIN, np.array(parts), folds)


def test_every_row_is_answered_by_a_network_that_has_not_learnt_from_it(trainings: Trainings) -> None:
    fitted = fit_word_net("conv1d", learning_rows([0, 1, 2, 3, 0, 1, 2, 3], folds=4), CONFIG)
    assert fitted.rows.tolist() == [0, 1, 3, 4, 5, 6, 7]  # row 2 says nothing
    (first, by_first, _), (second, by_second, _), (last, by_last, _) = trainings.seen
    assert (first, by_first) == ([1, 2, 4], [0, 3])  # positions among the rows with a text
    assert (second, by_second) == ([0, 3], [1, 2, 4])
    assert (last, by_last) == ([0, 1, 2, 3, 4], [])
    assert fitted.unseen[:, 0].tolist() == [1, 2, 0, 2, 1, 2, 3, 3]


def test_the_last_network_runs_as_long_as_the_others_took_to_be_at_their_best(trainings: Trainings) -> None:
    fit_word_net("conv1d", learning_rows([0, 1, 2, 3, 0, 1, 2, 3], folds=4), CONFIG)
    assert [epochs for _, _, epochs in trainings.seen] == [9, 9, 3]  # best in epoch 2 and in epoch 4


def test_a_large_store_is_learnt_once_and_judged_by_its_validation_rows(trainings: Trainings) -> None:
    fitted = fit_word_net("conv1d", learning_rows([-1] * 8, folds=0), CONFIG)
    assert trainings.seen == [([0, 1, 2, 3, 4], [5, 6], 9)]
    assert fitted.unseen[:, 0].tolist() == [0, 0, 0, 0, 0, 0, 1, 1]
    assert fitted.curves["val_loss"] == [3.0, 1.0, 2.0]
