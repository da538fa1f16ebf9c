"""Networks over words: trained in Keras, run by the graph that a package holds."""

from pathlib import Path

import numpy as np
import pytest

from inference.heads import StoredHead
from inference.word_net import WordNetHead
from training.word_net_config import WordNetConfig
from training.word_nets import export_word_net
from training.word_network import train_word_net

CONFIG = WordNetConfig(
    words=6,
    bits=8,
    width=8,
    units=8,
    learning_rate=2e-2,
    label_smoothing=0.1,
    word_dropout=0.1,
    dropout=0.1,
    batch_rows=8,
    most_epochs=15,
    patience=15,
    balance=0.5,
    folds=2,
)
KINDS = ("robe chaussure", "livre roman poche", "vis écrou boulon")
TEXTS = [f"{KINDS[row % 3]} {row}" for row in range(48)]
LABELS = np.arange(48) % 3


def _train(name: str) -> WordNetHead:
    held = np.arange(48) >= 36
    head, curves = train_word_net(
        name, CONFIG.rule.ids(TEXTS), LABELS, ~held, held, classes=3, config=CONFIG, epochs=15, seed=1
    )
    assert len(curves["val_loss"]) <= 15
    return head


@pytest.mark.parametrize("name", ["simple-dnn", "conv1d", "bigru"])
def test_a_network_learns_words_and_answers_the_same_out_of_its_package(name: str, tmp_path: Path) -> None:
    head = _train(name)
    texts = [*TEXTS, "", "inconnu", "robe " * 40]
    logits = head.logits(texts)
    assert (logits[:48].argmax(axis=1) == LABELS).mean() > 0.9

    export_word_net(head, tmp_path)
    stored = StoredHead(head.to_arrays(), head.to_spec(), lambda file: tmp_path / file)
    served = WordNetHead.from_stored(stored)
    assert np.abs(served.logits(texts) - logits).max() < 1e-4
    alone = np.concatenate([served.logits([text]) for text in texts])
    np.testing.assert_allclose(alone, served.logits(texts), atol=1e-5)


def test_the_same_words_give_the_same_network_twice() -> None:
    first, second = _train("conv1d").to_arrays(), _train("conv1d").to_arrays()
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])
