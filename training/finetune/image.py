"""ResNet50 with a softmax head, to be trained together, and its way back into a weights file."""

import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from training.encoders.images import body_of, build_network
from training.encoders.sources import Source
from training.finetune.augmentation import augment
from training.finetune.config import ImageFinetuneConfig
from training.finetune.loop import Inputs
from training.finetune.text import put_head

WEIGHTS = "resnet50.weights.h5"
_BLOCK = re.compile(r"(conv\d_block\d+)_")


def build_image_learner(
    source: Source, *, layers_trained: int | None, classes: int, dropout: float
) -> tuple[keras.Model, keras.Model]:
    """Load the encoder and put a new head on it.

    Args:
        source: of ResNet50.
        layers_trained: as many of the last residual blocks (of 16) learn; None is all of the network.
        classes: columns of the logits.
        dropout: share of the features hidden from the head in each step.

    Returns:
        The encoder, and the model over it: ``images`` to `(batch, classes)` float32 logits.

    Raises:
        BadEncoderSource: the weights cannot be loaded.
    """
    encoder = build_network("resnet50", source)
    body = body_of(encoder)
    blocks = list(dict.fromkeys(found[1] for layer in body.layers if (found := _BLOCK.match(layer.name))))
    learning = set(blocks if layers_trained is None else blocks[max(0, len(blocks) - layers_trained) :])
    for layer in body.layers:
        block = _BLOCK.match(layer.name)
        learns = layers_trained is None if block is None else block[1] in learning
        # The averages inside pretrained networks come from a million photos: small batches would only blur them.
        keeps = isinstance(layer, layers.BatchNormalization) and source.kind != "random"
        layer.trainable = learns and not keeps
    return encoder, put_head(encoder, classes, dropout)


class ChangingPhotos:
    """Photos as a learner sees them: changed anew in every epoch, as they are when it is judged."""

    def __init__(
        self, photos: Callable[[NDArray[np.intp]], NDArray[np.uint8]], config: ImageFinetuneConfig, seed: int
    ) -> None:
        self._photos, self._config, self._seed = photos, config, seed

    def read(self, rows: NDArray[np.intp], epoch: int | None) -> Inputs:
        """``images``, ``(len(rows), 224, 224, 3)`` uint8."""
        photos = self._photos(rows)
        if epoch is None:
            return {"images": photos}
        return {"images": augment(photos, [(self._seed, epoch, int(row)) for row in rows], self._config)}


def write_weights(encoder: keras.Model) -> dict[str, bytes]:
    """The weights file that ``MODEL_IMAGE_WEIGHTS`` can name, by name."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / WEIGHTS
        body_of(encoder).save_weights(path)
        return {WEIGHTS: path.read_bytes()}
