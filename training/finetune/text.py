"""BERT with a softmax head, to be trained together, and its way back into a Hugging Face folder."""

import re
from collections.abc import Sequence

import keras
import numpy as np
import safetensors.numpy
from keras import layers
from numpy.typing import NDArray

from inference.encoders import TOKENIZER
from inference.tokens import TokenReader, pad
from training.encoders.bert import load_bert, read_tensors
from training.encoders.sources import Source
from training.finetune.loop import Inputs

_TOKEN_STEP = 16  # lengths are padded up to a multiple: few distinct shapes, little padding
_HEAD_HASTE = 10.0  # times the encoder's rate: Adam's steps are as long whatever the scale of what a weight sees
_BLOCK = re.compile(r"encoder\.layer\.(\d+)\.")


def build_text_learner(
    source: Source, *, max_tokens: int, layers_trained: int | None, classes: int, dropout: float
) -> tuple[keras.Model, keras.Model]:
    """Load the encoder and put a new head on it.

    Args:
        source: a Hugging Face folder.
        max_tokens: longest text in tokens.
        layers_trained: as many of the last layers learn; None is all of them, and the embeddings too.
        classes: columns of the logits.
        dropout: share of the features hidden from the head in each step.

    Returns:
        The encoder, and the model over it: ``ids`` and ``mask`` to `(batch, classes)` float32 logits.

    Raises:
        BadEncoderSource: the weights cannot be loaded.
    """
    encoder, config, _ = load_bert(source.path, max_tokens)
    if layers_trained is not None:
        for layer in encoder.layers:
            block = _BLOCK.match(layer.name)
            layer.trainable = block is not None and int(block[1]) >= config.num_hidden_layers - layers_trained
    return encoder, put_head(encoder, classes, dropout)


def put_head(encoder: keras.Model, classes: int, dropout: float) -> keras.Model:
    """A model from the encoder's inputs to logits.

    The head begins at zero, so the encoder is not shaken by chance, and catches up by faster steps.
    """
    seen = layers.Dropout(dropout, name="head.dropout")(encoder.output)
    seen = layers.Rescaling(_HEAD_HASTE, name="head.haste")(seen)
    logits = layers.Dense(classes, kernel_initializer="zeros", name="head.dense")(seen)
    return keras.Model(encoder.input, logits, name="learner")


class TokenisedTexts:
    """Texts as a learner reads them; the same in every epoch."""

    def __init__(self, texts: Sequence[str], tokenizer_json: bytes, max_tokens: int) -> None:
        self._rows = TokenReader(tokenizer_json, max_tokens).read(list(texts))
        self._longest = max_tokens

    def read(self, rows: NDArray[np.intp], epoch: int | None) -> Inputs:
        """``ids`` and ``mask``, ``(len(rows), tokens)`` int32 each, no longer than the longest of them needs."""
        chosen = [self._rows[row] for row in rows]
        longest = max(len(row) for row in chosen)
        ids, mask = pad(chosen, min(-(-longest // _TOKEN_STEP) * _TOKEN_STEP, self._longest))
        return {"ids": ids, "mask": mask}


def write_huggingface(encoder: keras.Model, source: Source) -> dict[str, bytes]:
    """The files of a Hugging Face folder with the encoder's weights, by name; sizes and tokens are the source's."""
    return {
        "config.json": (source.path / "config.json").read_bytes(),
        TOKENIZER: (source.path / TOKENIZER).read_bytes(),
        "model.safetensors": safetensors.numpy.save(read_tensors(encoder)),
    }
