"""BERT in Keras, from the tensors of a Hugging Face folder.

Every layer carries the name of its tensors (``encoder.layer.0.output.dense`` holds ``….weight`` and
``….bias``), so the mapping is a rule and not a table. Arrays keep Hugging Face's layout throughout:
matrices are ``(out, in)`` and are turned when they enter a layer.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np
import safetensors.numpy
from keras import layers, ops
from numpy.typing import NDArray

from training.encoders.sources import BadEncoderSource

# A tensor's last word and whether it is turned, by the Keras variable that it fills.
_TENSORS = {"kernel": ("weight", True), "embeddings": ("weight", False), "gamma": ("weight", False)}
_TENSORS |= {"bias": ("bias", False), "beta": ("bias", False)}
_FAMILIES = ("bert", "roberta", "camembert", "xlm-roberta")


@dataclass(frozen=True, slots=True)
class BertConfig:
    """The sizes that decide BERT's graph, under the names of Hugging Face's ``config.json``.

    Attributes:
        first_position: row of the position table that the first token takes; RoBERTa's family (CamemBERT,
            XLM-R) starts after its padding id, BERT at 0.
    """

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    vocab_size: int
    max_position_embeddings: int
    type_vocab_size: int
    layer_norm_eps: float
    first_position: int = 0

    @classmethod
    def from_huggingface(cls, values: Mapping[str, Any]) -> Self:
        """Read ``config.json``.

        Raises:
            BadEncoderSource: another architecture, activation or kind of position than this graph has.
        """
        for name, known in (("model_type", _FAMILIES), ("hidden_act", ("gelu",))):
            if values.get(name) not in known:
                raise BadEncoderSource(f"config.json: {name} must be one of {known}. Received: {values.get(name)!r}")
        if values.get("position_embedding_type", "absolute") != "absolute":
            raise BadEncoderSource(f"only absolute positions. Received: {values['position_embedding_type']!r}")
        first = 0 if values["model_type"] == "bert" else int(values["pad_token_id"]) + 1
        try:
            sizes = {name: values[name] for name in cls.__slots__ if name != "first_position"}
        except KeyError as error:
            raise BadEncoderSource(f"config.json lacks {error}") from error
        return cls(first_position=first, **sizes)

    def to_dict(self) -> dict[str, Any]:
        """Return the plain form that a package's spec holds."""
        return asdict(self)


def load_bert(folder: Path, max_tokens: int) -> tuple[keras.Model, BertConfig, dict[str, NDArray[np.float32]]]:
    """Load a Hugging Face folder's ``config.json`` and ``model.safetensors``.

    Args:
        folder: holds both files.
        max_tokens: longest row of ids that the model will be given.

    Returns:
        The encoder, its sizes, and the tensors it took under Hugging Face's names.

    Raises:
        BadEncoderSource: another architecture, a missing or misshapen tensor, or too few positions.
    """
    config = BertConfig.from_huggingface(json.loads((folder / "config.json").read_bytes()))
    positions = config.max_position_embeddings - config.first_position
    if not 2 < max_tokens <= positions:
        raise BadEncoderSource(f"max_tokens must lie between 3 and {positions}. Received: {max_tokens}")
    model = build_bert(config)
    return model, config, load_tensors(model, safetensors.numpy.load_file(folder / "model.safetensors"))


def build_bert(config: BertConfig) -> keras.Model:
    """Build the encoder, its weights still random.

    Inputs:
        `ids`: `(batch, tokens)` int32, token ids; padded on the right with any id.
        `mask`: `(batch, tokens)` int32, 1 for a real token (special ones included), 0 for padding.
    Output:
        `(batch, hidden_size)` float32: mean of the last layer's states over the real tokens.
    """
    ids = keras.Input((None,), dtype="int32", name="ids")
    mask = keras.Input((None,), dtype="int32", name="mask")
    real = ops.cast(mask, "float32")
    bias = (real[:, None, None, :] - 1.0) * 1e9  # added to attention scores: padding gets weight 0
    states = _embed(ids, config)
    for index in range(config.num_hidden_layers):
        states = _layer(states, bias, config, f"encoder.layer.{index}")
    weight = real[:, :, None]
    mean = ops.sum(states * weight, axis=1) / ops.maximum(ops.sum(weight, axis=1), 1.0)
    return keras.Model({"ids": ids, "mask": mask}, mean, name="bert")


def _embed(ids: keras.KerasTensor, config: BertConfig) -> keras.KerasTensor:
    def table(rows: int, name: str) -> layers.Embedding:
        return layers.Embedding(rows, config.hidden_size, name=f"embeddings.{name}_embeddings")

    positions = ops.cumsum(ops.ones_like(ids), axis=1) + (config.first_position - 1)
    words = table(config.vocab_size, "word")(ids)
    types = table(config.type_vocab_size, "token_type")(ops.zeros_like(ids))
    places = table(config.max_position_embeddings, "position")(positions)
    return _normalise(words + types + places, config, "embeddings")


def _normalise(states: keras.KerasTensor, config: BertConfig, name: str) -> keras.KerasTensor:
    return layers.LayerNormalization(epsilon=config.layer_norm_eps, name=f"{name}.LayerNorm")(states)


def _layer(states: keras.KerasTensor, bias: keras.KerasTensor, config: BertConfig, name: str) -> keras.KerasTensor:
    width = config.hidden_size
    attended = layers.Dense(width, name=f"{name}.attention.output.dense")(_attend(states, bias, config, name))
    states = _normalise(states + attended, config, f"{name}.attention.output")
    inner = layers.Dense(config.intermediate_size, name=f"{name}.intermediate.dense")(states)
    # Spelt out: the built-in GELU exports as an operation that other runtimes lack.
    inner = 0.5 * inner * (1.0 + ops.erf(inner / math.sqrt(2.0)))
    outer = layers.Dense(width, name=f"{name}.output.dense")(inner)
    return _normalise(states + outer, config, f"{name}.output")


def _attend(states: keras.KerasTensor, bias: keras.KerasTensor, config: BertConfig, name: str) -> keras.KerasTensor:
    heads, size = config.num_attention_heads, config.hidden_size // config.num_attention_heads

    def project(role: str) -> keras.KerasTensor:  # (batch, heads, tokens, size)
        flat = layers.Dense(config.hidden_size, name=f"{name}.attention.self.{role}")(states)
        return ops.transpose(layers.Reshape((-1, heads, size))(flat), (0, 2, 1, 3))

    query, key, value = project("query"), project("key"), project("value")
    scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2))) / math.sqrt(size) + bias
    mixed = ops.transpose(ops.matmul(ops.softmax(scores, axis=-1), value), (0, 2, 1, 3))
    return layers.Reshape((-1, config.hidden_size))(mixed)


def load_tensors(model: keras.Model, tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
    """Fill the model from Hugging Face tensors and return exactly those it took, as float32.

    A common prefix (``bert.``, ``roberta.``) is found by itself and dropped from the returned names;
    tensors of other heads are left out.

    Raises:
        BadEncoderSource: a tensor is missing or has another shape; it is named.
    """
    anchor = "embeddings.word_embeddings.weight"
    prefix = next((name.removesuffix(anchor) for name in tensors if name.endswith(anchor)), "")
    taken = {}
    for layer in model.layers:
        for variable in layer.weights:
            word, turned = _TENSORS[variable.name]
            name = f"{layer.name}.{word}"
            array = _find(tensors, prefix + name, tuple(variable.shape)[:: -1 if turned else 1])
            taken[name] = np.ascontiguousarray(array, dtype=np.float32)
            variable.assign(taken[name].T if turned else taken[name])
    return taken


def read_tensors(model: keras.Model) -> dict[str, NDArray[np.float32]]:
    """Return the model's tensors under Hugging Face's names and in its layout: what ``load_tensors`` takes."""
    tensors = {}
    for layer in model.layers:
        for variable in layer.weights:
            word, turned = _TENSORS[variable.name]
            array = np.asarray(variable)
            tensors[f"{layer.name}.{word}"] = np.ascontiguousarray(array.T if turned else array, dtype=np.float32)
    return tensors


def _find(tensors: Mapping[str, NDArray[Any]], name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    # Checkpoints converted from the first BERT releases keep that code's names.
    former = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
    array = tensors.get(name, tensors.get(former))
    if array is None:
        raise BadEncoderSource(f"the weights lack the tensor {name}")
    if array.shape != shape:
        raise BadEncoderSource(f"tensor {name} must have shape {shape}. Received: {array.shape}")
    return array
