"""Image encoders of Keras Applications, each with its own input scaling inside the graph."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from preprocessing.images import IMAGE_SIZE
from training.encoders.sources import RANDOM_SEED, BadEncoderSource, Source

_COUNTED = re.compile(r"(conv2d|batch_normalization)(_\d+)?")
_MEAN_BGR = np.array([103.939, 116.779, 123.68], np.float32)  # of ImageNet, 0 to 255


@dataclass(frozen=True, slots=True)
class _Network:
    """One architecture.

    Attributes:
        build: its function in Keras Applications.
        scale: float32 RGB pixels, 0 to 255, to what its ImageNet weights were trained on.
        widened: whether random weights are drawn wider (see ``_widen``).
    """

    build: Callable[..., keras.Model]
    scale: Callable[[keras.KerasTensor], keras.KerasTensor]
    widened: bool


def _around_mean(pixels: keras.KerasTensor) -> keras.KerasTensor:
    return pixels[..., ::-1] - _MEAN_BGR


def _to_unit(pixels: keras.KerasTensor) -> keras.KerasTensor:
    return pixels / 127.5 - 1.0


_NETWORKS = {
    "resnet50": _Network(keras.applications.ResNet50, _around_mean, widened=False),
    "vgg16": _Network(keras.applications.VGG16, _around_mean, widened=True),
    "xception": _Network(keras.applications.Xception, _to_unit, widened=True),
    "inceptionv3": _Network(keras.applications.InceptionV3, _to_unit, widened=True),
}


def build_network(architecture: str, source: Source) -> keras.Model:
    """Build the encoder with the source's weights.

    Input:
        `images`: `(batch, 224, 224, 3)` uint8, RGB, 0 to 255.
    Output:
        `(batch, width)` float32, at least 0: global average of the last feature maps; 512 wide for VGG16, else 2048.

    Raises:
        BadEncoderSource: the weights do not fit, or ImageNet's cannot be downloaded.
    """
    network, shape = _NETWORKS[architecture], (IMAGE_SIZE, IMAGE_SIZE, 3)
    if source.kind == "random":
        keras.utils.set_random_seed(RANDOM_SEED)
    weights = {"random": None, "imagenet": "imagenet", "file": str(source.path)}[source.kind]
    try:
        body = network.build(include_top=False, weights=weights, input_shape=shape, pooling="avg")
    except Exception as error:  # Keras raises bare exceptions for a failed download
        raise BadEncoderSource(f"{architecture} cannot load {source.name}: {error}") from error
    if source.kind == "random" and network.widened:
        _widen(body)
    images = keras.Input(shape, dtype="uint8", name="images")
    return keras.Model({"images": images}, body(network.scale(ops.cast(images, "float32"))), name=architecture)


def body_of(model: keras.Model) -> keras.Model:
    """The network inside an encoder, without the input scaling: what a ``.weights.h5`` file holds."""
    return next(layer for layer in model.layers if isinstance(layer, keras.Model))


def read_arrays(model: keras.Model) -> dict[str, NDArray[Any]]:
    """Return every weight by ``layer/variable``, batch-normalisation statistics included."""
    named: dict[str, NDArray[Any]] = {}
    numbers: Counter[str] = Counter()
    for layer in body_of(model).layers:
        name = layer.name
        # Layers without a name of their own are numbered by everything that this process built before.
        if counted := _COUNTED.fullmatch(name):
            numbers[counted[1]] += 1
            name = f"{counted[1]}_{numbers[counted[1]]}"
        named |= {f"{name}/{weight.name}": np.asarray(weight) for weight in layer.weights}
    return named


def _widen(body: keras.Model) -> None:
    """Scale Glorot's random kernels to He's deviation.

    Drawn as Keras draws them, a signal loses half its power in every layer (and nearly all of it in Xception's
    depthwise layers, whose inputs are counted as if they were added up): the last maps would be all but zero.
    """
    for layer in body.layers:
        for weight in layer.weights:
            if len(weight.shape) == 4:
                depthwise = isinstance(layer, layers.SeparableConv2D) and weight is layer.depthwise_kernel
                weight.assign(np.asarray(weight) * np.float32(_gain(weight.shape, depthwise=depthwise)))


def _gain(shape: tuple[int, int, int, int], *, depthwise: bool) -> float:
    """He's deviation over Glorot's for a kernel; no rectifier follows a depthwise one, so its power is not doubled."""
    field = shape[0] * shape[1]
    drawn = 2 / (field * (shape[2] + shape[3]))
    wanted = 1 / field if depthwise else 2 / (field * shape[2])
    return (wanted / drawn) ** 0.5
