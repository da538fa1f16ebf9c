"""Networks with one hidden layer in Keras, one for each part left out and one for all rows, trained side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from training.config import MlpConfig
from training.softmax import apart, compiled, fix_chance, train_heads


@dataclass(frozen=True, slots=True)
class MlpHeads:
    """Trained heads.

    Attributes:
        layers: of each head: hidden weight ``(d, units)``, hidden bias ``(units,)``, weight ``(units, classes)``,
            bias ``(classes,)``, all float32.
        curves: as ``SoftmaxHeads`` says.
    """

    layers: list[tuple[NDArray[np.float32], ...]]
    curves: dict[str, list[float]]


@keras.saving.register_keras_serializable(package="etalon")
class HideHalf(layers.Layer):
    """Hides all of one half of a row now and then while training, never the only one that is there.

    Args:
        widths: of the halves, side by side; hidden and missing ones are zeros.
        rate: share of rows that lose a half, either one as often.
        seed: of the choice.
    """

    def __init__(self, widths: Sequence[int], rate: float, seed: int) -> None:
        super().__init__(name="hide_half")
        self._widths, self._rate = tuple(widths), rate
        self._seeds = keras.random.SeedGenerator(seed)

    def call(self, features: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        """``(batch, sum(widths))``: the same, with zeros where a half was hidden."""
        if not training:
            return features
        first, second = features[:, : self._widths[0]], features[:, self._widths[0] :]
        both = ops.any(first != 0, axis=1, keepdims=True) & ops.any(second != 0, axis=1, keepdims=True)
        chance = keras.random.uniform((ops.shape(features)[0], 1), seed=self._seeds)
        without_first = both & (chance < self._rate / 2)
        without_second = both & (chance >= self._rate / 2) & (chance < self._rate)
        shown = [ops.where(without_first, 0.0, first), ops.where(without_second, 0.0, second)]
        return ops.concatenate(shown, axis=1)


def build_mlp_heads(widths: Sequence[int], heads: int, classes: int, config: MlpConfig, seed: int) -> keras.Model:
    """Build and compile the heads.

    Inputs:
        `(batch, sum(widths))` float32, standardised features of two halves side by side, zeros for a missing one.
    Output:
        `(batch, heads, classes)` float32 logits.
    """
    features = keras.Input((sum(widths),), name="features")
    seen = HideHalf(widths, config.hide_half, seed)(features)
    seen = layers.Dropout(config.dropout, name="dropout")(seen)
    hidden = layers.Dense(heads * config.hidden_units, activation="relu", name="hidden")(seen)
    hidden = layers.Dropout(config.hidden_dropout, name="hidden_dropout")(hidden)
    hidden = layers.Reshape((heads, config.hidden_units))(hidden)
    answer = layers.EinsumDense("bhu,huc->bhc", (heads, classes), bias_axes="hc", name="heads")
    return compiled(keras.Model(features, answer(hidden), name="mlp_heads"), config)


def fit_mlp_heads(
    features: NDArray[np.float32],
    labels: NDArray[np.intp],
    learns: NDArray[np.bool_],
    held: NDArray[np.float32],
    *,
    widths: Sequence[int],
    classes: int,
    config: MlpConfig,
    seed: int,
) -> MlpHeads:
    """Train every head until the rows held out from it stop improving, and keep the best epoch.

    Args:
        features: ``(n, sum(widths))`` standardised, zeros for a missing half.
        labels: ``(n,)`` in [0, classes).
        learns: ``(n, heads)``, whether a head learns from a row.
        held: ``(n, heads)``, how much a row counts in judging a head that does not learn from it.
        widths: of the two halves.
        classes: columns of the logits.
        config: hyperparameters.
        seed: of initial weights, dropout and the order of rows.
    """
    fix_chance(seed)
    heads = learns.shape[1]
    model = build_mlp_heads(widths, heads, classes, config, seed)
    curves = train_heads(model, features, labels, learns, held, classes=classes, config=config)
    hidden_weight, hidden_bias = model.get_layer("hidden").get_weights()
    weight, bias = model.get_layer("heads").get_weights()
    stacked = (apart(hidden_weight, heads), hidden_bias.reshape(heads, -1), weight, bias)
    return MlpHeads([tuple(layer[head] for layer in stacked) for head in range(heads)], curves)
