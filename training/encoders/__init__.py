"""Pretrained encoders: found, loaded into Keras, exported and packaged."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from core.registry.packages import Package
from core.settings import ModelSettings
from training.encoders.build import build_image_encoder, build_text_encoder
from training.encoders.sources import BadEncoderSource

__all__ = ["BUILDERS", "BadEncoderSource", "build_image_encoder", "build_text_encoder"]

BUILDERS: dict[str, Callable[[ModelSettings, Path], Package]] = {
    "text": build_text_encoder,
    "image": build_image_encoder,
    **{name: partial(build_image_encoder, architecture=name) for name in ("xception", "inceptionv3", "vgg16")},
}
"""What packages the encoder of each feature that the settings name."""
