"""Trains the experts that are networks over words.

A network costs a whole training where a head costs a few matrix products, so each is trained without only a few large
groups of rows, and once with all of them, for as many epochs as those without a group took to be at their best.
"""

from pathlib import Path

import numpy as np

from inference.heads import Head
from inference.word_net import WordNetHead
from training.config import FusionConfig
from training.experts import FittedExpert
from training.learning_rows import LearningRows
from training.word_net_config import WordNetConfig


def fit_word_net(name: str, data: LearningRows, config: FusionConfig) -> FittedExpert:
    """Train ``simple-dnn``, ``conv1d`` or ``bigru`` without each group of training rows, then on all of them.

    On a large store, whose rows are dealt into no parts, once on all of them, until the validation rows say stop.
    """
    from training.word_network import train_word_net  # imports TensorFlow

    settings: WordNetConfig = config.experts[name]
    rows = data.inputs.rows_for(name)
    ids = settings.rule.ids(data.inputs.seen_by(name, rows))
    train, groups, labels = data.train[rows], data.parts[rows] % settings.folds, data.labels[rows]
    given = {"classes": data.classes, "config": settings, "seed": config.seed}
    unseen, curves = np.zeros((len(data.labels), data.classes)), []
    for group in range(min(settings.folds, data.folds)):
        learnt, held = train & (groups != group), train & (groups == group)
        if learnt.any() and held.any():
            head, curve = train_word_net(name, ids, labels, learnt, held, epochs=settings.most_epochs, **given)
            unseen[rows[held]] = head.logits_of(ids[held])
            curves.append(curve)
    best = [1 + int(np.argmin(curve["val_loss"])) for curve in curves]
    epochs = round(float(np.mean(best))) if best else settings.most_epochs
    judges = np.zeros_like(train) if curves else ~train
    head, curve = train_word_net(name, ids, labels, train, judges, epochs=epochs, **given)
    if not train.all():
        unseen[rows[~train]] = head.logits_of(ids[~train])
    return FittedExpert(head, unseen, rows, _mean_curves(curves or [curve]))


def export_word_net(head: Head, folder: Path) -> None:
    """Write a freshly trained network's graph into the folder of the package that is being written.

    Raises:
        GoldenMismatch: the exported graph does not compute what Keras computes.
    """
    from training.word_network import write_graph  # imports TensorFlow

    if not isinstance(head, WordNetHead):
        raise TypeError(f"expected a network over words. Received: {head}")
    write_graph(head, folder / head.file)


def _mean_curves(curves: list[dict[str, list[float]]]) -> dict[str, list[float]]:
    """Averages over the groups, as long as the shortest of them."""
    epochs = min(len(curve["loss"]) for curve in curves)
    return {one: np.mean([curve[one][:epochs] for curve in curves], axis=0).tolist() for one in curves[0]}
