"""Pretrained encoders: found, loaded into Keras, exported and packaged."""

from training.encoders.build import build_image_encoder, build_text_encoder
from training.encoders.sources import BadEncoderSource

__all__ = ["BadEncoderSource", "build_image_encoder", "build_text_encoder"]
