"""ResNet50 as an image encoder, its input scaling inside the graph."""

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from preprocessing.images import IMAGE_SIZE
from training.encoders.sources import RANDOM_SEED, BadEncoderSource, Source

_MEAN_BGR = np.array([103.939, 116.779, 123.68], np.float32)  # of ImageNet, 0 to 255
_WIDTH = 2048


def build_resnet50(source: Source) -> keras.Model:
    """Build the encoder with the source's weights.

    Input:
        `images`: `(batch, 224, 224, 3)` uint8, RGB, 0 to 255.
    Output:
        `(batch, 2048)` float32, at least 0: global average of the last feature maps.

    Raises:
        BadEncoderSource: the weights do not fit, or ImageNet's cannot be downloaded.
    """
    if source.kind == "random":
        keras.utils.set_random_seed(RANDOM_SEED)
    weights = {"random": None, "imagenet": "imagenet", "file": str(source.path)}[source.kind]
    shape = (IMAGE_SIZE, IMAGE_SIZE, 3)
    try:
        network = keras.applications.ResNet50(include_top=False, weights=weights, input_shape=shape, pooling="avg")
    except Exception as error:  # Keras raises bare exceptions for a failed download
        raise BadEncoderSource(f"ResNet50 cannot load {source.name}: {error}") from error
    images = keras.Input(shape, dtype="uint8", name="images")
    # What keras.applications.resnet50.preprocess_input does: BGR around ImageNet's mean.
    centred = ops.cast(images, "float32")[..., ::-1] - _MEAN_BGR
    return keras.Model({"images": images}, network(centred), name="resnet50")


def read_arrays(model: keras.Model) -> dict[str, NDArray[Any]]:
    """Return every weight by ``layer/variable``, batch-normalisation statistics included."""
    network = next(layer for layer in model.layers if isinstance(layer, keras.Model))
    return {f"{layer.name}/{weight.name}": np.asarray(weight) for layer in network.layers for weight in layer.weights}
