"""Networks over words in Keras: a bag of words, convolutions, a recurrent network."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from inference.golden import check_golden
from inference.openvino_graph import OpenVinoGraph, convert_saved_model
from inference.word_net import WordNetHead, WordRule
from training.softmax import balance, curves_of, fix_chance
from training.word_net_config import WordNetConfig

_HELD_BATCH = 512  # rows: no gradients are kept, so many fit
_STEPS_AT_ONCE = 8  # batches that TensorFlow runs between two returns to Python


@dataclass(frozen=True, slots=True)
class KerasGraph:
    """A Keras model in the shape of an exported graph."""

    model: keras.Model

    def run(self, *, ids: NDArray[np.int32]) -> NDArray[np.float32]:
        """``(n, classes)`` for ``(n, words)`` ids."""
        return np.asarray(self.model.predict_on_batch(ids))


def build_word_net(name: str, classes: int, config: WordNetConfig) -> keras.Model:
    """Build and compile ``simple-dnn``, ``conv1d`` or ``bigru``.

    Input:
        `ids`: `(batch, words)` int32, hashed words; 0 is padding, on the right.
    Output:
        `(batch, classes)` float32 logits.
    """
    ids = keras.Input((config.words,), dtype="int32", name="ids")
    real = ops.cast(ids != 0, "float32")[:, :, None]
    words = layers.Embedding(config.rule.buckets, config.width, name="embedding")(ids)
    # Whole words are hidden at a time: a title must not hang on one of them.
    words = layers.Dropout(config.word_dropout, noise_shape=(None, config.words, 1), name="word_dropout")(words * real)
    seen = layers.Dropout(config.dropout, name="dropout")(_BODIES[name](words, real, config))
    model = keras.Model(ids, layers.Dense(classes, name="classes")(seen), name=name.replace("-", "_"))
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.Adam(config.learning_rate)
    accuracy = keras.metrics.CategoricalAccuracy(name="accuracy")
    model.compile(optimizer, loss=loss, metrics=[accuracy], steps_per_execution=_STEPS_AT_ONCE, jit_compile=False)
    return model


_Tensor = keras.KerasTensor


def _simple_dnn(words: _Tensor, real: _Tensor, config: WordNetConfig) -> _Tensor:
    mean = ops.sum(words, axis=1) / ops.maximum(ops.sum(real, axis=1), 1.0)
    mean = layers.Dropout(config.dropout, name="mean_dropout")(mean)
    return layers.Dense(config.units, activation="relu", name="hidden")(mean)


def _conv1d(words: _Tensor, real: _Tensor, config: WordNetConfig) -> _Tensor:
    """Filters over one, two and three words, each at its strongest place."""
    convolutions = [
        layers.Conv1D(config.units, length, padding="same", activation="relu", name=f"words_{length}")
        for length in (1, 2, 3)
    ]
    return ops.concatenate([ops.max(convolve(words) * real, axis=1) for convolve in convolutions], axis=-1)


def _bigru(words: _Tensor, real: _Tensor, config: WordNetConfig) -> _Tensor:
    """Both directions' states, each unit at its strongest place."""
    states = layers.Bidirectional(layers.GRU(config.units, return_sequences=True, name="gru"), name="bigru")(words)
    return ops.max(states * real + (real - 1.0) * 2.0, axis=1)  # states lie above -1: padding never wins


_BODIES = {"simple-dnn": _simple_dnn, "conv1d": _conv1d, "bigru": _bigru}


def train_word_net(
    name: str,
    ids: NDArray[np.int32],
    labels: NDArray[np.intp],
    learnt: NDArray[np.bool_],
    held: NDArray[np.bool_],
    *,
    classes: int,
    config: WordNetConfig,
    epochs: int,
    seed: int,
) -> tuple[WordNetHead, dict[str, list[float]]]:
    """Train until the held rows' loss stops falling and keep the best epoch; without such rows, train all epochs.

    The same arguments give the same bits on the same kind of processor.

    Args:
        name: ``simple-dnn``, ``conv1d`` or ``bigru``.
        ids: ``(n, words)`` of all rows.
        labels: ``(n,)`` in [0, classes).
        learnt: ``(n,)`` rows to learn from.
        held: ``(n,)`` rows to judge by.
        classes: columns of the logits.
        config: hyperparameters.
        epochs: at most, or exactly.
        seed: of initial weights, dropout and the order of rows.

    Returns:
        The head, and of each epoch ``loss``, ``accuracy``, ``learning_rate`` (and ``val_loss``, ``val_accuracy``).
    """
    fix_chance(seed)
    model = build_word_net(name, classes, config)
    hard = np.eye(classes, dtype=np.float32)[labels]
    soft = hard * (1 - config.label_smoothing) + config.label_smoothing / classes
    judged: dict[str, Any] = {}
    if held.any():
        stop = keras.callbacks.EarlyStopping(patience=config.patience, restore_best_weights=True)
        judged = {"validation_data": (ids[held], hard[held]), "callbacks": [stop]}
    fitted = model.fit(
        ids[learnt],
        soft[learnt],
        sample_weight=balance(labels[learnt], classes, config.balance),
        batch_size=config.batch_rows,
        validation_batch_size=_HELD_BATCH,
        epochs=epochs,
        verbose=0,
        **judged,
    )
    curves = curves_of(fitted, config.learning_rate)
    return WordNetHead(name, config.rule, _arrays(model), KerasGraph(model)), curves


def _arrays(model: keras.Model) -> dict[str, NDArray[np.generic]]:
    """Every weight by its path below the model, such as ``bigru/forward_gru/gru_cell/kernel``."""
    return {weight.path: np.asarray(weight) for weight in model.weights}


def write_graph(head: WordNetHead, xml: Path) -> None:
    """Write a freshly trained network as the graph that ``inference`` runs, and check that the two agree.

    Raises:
        GoldenMismatch: the exported graph does not compute what Keras computes.
        TypeError: the head was read from a package, and so has no Keras model.
    """
    if not isinstance(head.graph, KerasGraph):
        raise TypeError(f"only a network trained in this process can be exported. Received: {head.graph}")
    with tempfile.TemporaryDirectory() as scratch:
        # Through a SavedModel: OpenVINO reads a recurrent network in no other form.
        head.graph.model.export(scratch, format="tf_saved_model", verbose=False)
        convert_saved_model(Path(scratch), xml)
    ids = _golden_ids(head.rule)
    check_golden("export", OpenVinoGraph.open(xml).run(ids=ids), head.graph.run(ids=ids))


def _golden_ids(rule: WordRule) -> NDArray[np.int32]:
    """``(4, words)``: nothing, one word, half of the words, all of them."""
    ids = np.random.default_rng(0).integers(1, rule.buckets, (4, rule.words), dtype=np.int32)
    for row, length in enumerate((0, 1, rule.words // 2, rule.words)):
        ids[row, length:] = 0
    return ids
