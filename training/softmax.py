"""Dense heads in Keras, one for each part left out and one for all rows, trained side by side.

The heads share every batch and differ only in the rows that count in their loss. So a whole cross-validation is one
compiled model, one pass over the data an epoch, and one decision when to stop.
"""

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from numpy.typing import NDArray

from training.config import SoftmaxConfig

_STEPS_AT_ONCE = 8  # batches that TensorFlow runs between two returns to Python
_HELD_BATCH = 4096  # rows: no gradients are kept, so many fit


@dataclass(frozen=True, slots=True)
class SoftmaxHeads:
    """Trained heads.

    Attributes:
        weight: ``(heads, d, classes)`` float32.
        bias: ``(heads, classes)`` float32.
        curves: ``loss``, ``accuracy``, ``val_loss`` and ``val_accuracy`` of each epoch, averaged over the heads; the
            latter two over rows that a head has not learnt from. And ``learning_rate``.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    curves: dict[str, list[float]]


def build_softmax_heads(width: int, heads: int, classes: int, config: SoftmaxConfig) -> keras.Model:
    """Build and compile the heads.

    Inputs:
        `(batch, width)` float32, standardised features.
    Output:
        `(batch, heads, classes)` float32 logits.
    """
    features = keras.Input((width,), name="features")
    hidden = layers.Dropout(config.dropout, name="dropout")(features)
    logits = layers.Dense(heads * classes, kernel_initializer="zeros", name="heads")(hidden)
    return compiled(keras.Model(features, layers.Reshape((heads, classes))(logits), name="softmax_heads"), config)


def compiled(model: keras.Model, config: SoftmaxConfig) -> keras.Model:
    """The model with its optimizer and the loss of ``(batch, heads, classes)`` logits."""
    optimizer = keras.optimizers.AdamW(config.learning_rate, weight_decay=config.weight_decay)
    model.compile(
        optimizer,
        loss=_cross_entropy,
        metrics=[CountedAccuracy(name="accuracy")],
        steps_per_execution=_STEPS_AT_ONCE,
        jit_compile=False,
    )
    return model


@keras.saving.register_keras_serializable(package="etalon")
class CountedAccuracy(keras.metrics.Metric):
    """Share of right answers among the rows of each head that count in its loss, by how much they count.

    Watched only: it has no part in the loss, and none in the weights.
    """

    def __init__(self, name: str, dtype: str | None = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self._right = self.add_weight(name="right", initializer="zeros")
        self._all = self.add_weight(name="all", initializer="zeros")

    def update_state(
        self, targets: keras.KerasTensor, logits: keras.KerasTensor, sample_weight: keras.KerasTensor | None = None
    ) -> None:
        """Count ``(batch, heads, classes)`` logits; targets are zeros where a row does not count."""
        counts = ops.sum(targets, axis=-1)
        hits = ops.cast(ops.argmax(targets, axis=-1) == ops.argmax(logits, axis=-1), counts.dtype)
        self._right.assign_add(ops.sum(counts * hits))
        self._all.assign_add(ops.sum(counts))

    def result(self) -> keras.KerasTensor:
        """In [0, 1]; 0 before anything was counted."""
        return ops.divide_no_nan(self._right, self._all)


def fix_chance(seed: int) -> None:
    """Let weights, dropout and the order of rows follow from ``seed``, and sums from nothing but their terms."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def train_heads(
    model: keras.Model,
    features: NDArray[np.float32],
    labels: NDArray[np.intp],
    learns: NDArray[np.bool_],
    held: NDArray[np.float32],
    *,
    classes: int,
    config: SoftmaxConfig,
) -> dict[str, list[float]]:
    """Train compiled heads as ``fit_softmax_heads`` says, leave the best epoch's weights in them, return curves."""
    stop = keras.callbacks.EarlyStopping(patience=config.patience, restore_best_weights=True)
    hard = np.eye(classes, dtype=np.float32)[labels]
    soft = hard * (1 - config.label_smoothing) + config.label_smoothing / classes
    fitted = model.fit(
        features,
        _targets(soft, learns * balance(labels, classes, config.balance)[:, None]),
        validation_data=(features, _targets(hard, held)),
        batch_size=config.batch_rows,
        validation_batch_size=_HELD_BATCH,
        epochs=config.most_epochs,
        callbacks=[stop],
        verbose=0,
    )
    return curves_of(fitted, config.learning_rate)


def curves_of(fitted: keras.callbacks.History, learning_rate: float) -> dict[str, list[float]]:
    """What Keras noted of each epoch, and the constant rate that it learnt at."""
    curves = {name: [float(value) for value in values] for name, values in fitted.history.items()}
    return curves | {"learning_rate": [learning_rate] * len(curves["loss"])}


def balance(labels: NDArray[np.intp], classes: int, power: float) -> NDArray[np.float64]:
    """``(n,)`` how much each row counts: its class's frequency to ``-power``, 1 on average over rows.

    Power 0 counts every row alike, 1 every class alike.
    """
    counts = np.bincount(labels, minlength=classes).astype(np.float64)
    weight = np.maximum(counts, 1)[labels] ** -power
    return weight / weight.mean()


def fit_softmax_heads(
    features: NDArray[np.float32],
    labels: NDArray[np.intp],
    learns: NDArray[np.bool_],
    held: NDArray[np.float32],
    *,
    classes: int,
    config: SoftmaxConfig,
    seed: int,
) -> SoftmaxHeads:
    """Train every head until the rows held out from it stop improving, and keep the best epoch.

    The same arguments give the same bits on the same kind of processor.

    Args:
        features: ``(n, d)`` standardised.
        labels: ``(n,)`` in [0, classes).
        learns: ``(n, heads)``, whether a head learns from a row.
        held: ``(n, heads)``, how much a row counts in judging a head that does not learn from it.
        classes: columns of the logits.
        config: hyperparameters.
        seed: of dropout and the order of rows.
    """
    fix_chance(seed)
    heads = learns.shape[1]
    model = build_softmax_heads(features.shape[1], heads, classes, config)
    curves = train_heads(model, features, labels, learns, held, classes=classes, config=config)
    weight, bias = model.get_layer("heads").get_weights()
    return SoftmaxHeads(apart(weight, heads), bias.reshape(heads, classes), curves)


def apart(weight: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """``(heads, d, k)`` of a ``(d, heads * k)`` matrix that all heads share."""
    return np.ascontiguousarray(weight.reshape(len(weight), heads, -1).transpose(1, 0, 2))


def _cross_entropy(targets: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
    return -ops.sum(targets * ops.log_softmax(logits), axis=-1)


def _targets(distributions: NDArray[np.float32], counts: NDArray[np.generic]) -> NDArray[np.float32]:
    """``(n, heads, classes)``: each row's distribution where it counts, zeros (no loss, no gradient) elsewhere.

    Scaled so that the mean over all rows and heads is the mean over those that count.
    """
    share = counts.astype(np.float32) / max(float(counts.mean()), np.finfo(np.float32).tiny)
    return distributions[:, None, :] * share[:, :, None]
