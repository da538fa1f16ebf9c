"""What training on everything costs: each row embedded, and one epoch of full fine-tuning of both encoders.

Measured on a sample and scaled by rows, for at 85,000 rows it takes hours: real optimiser steps on BERT and ResNet50
with all of their weights trained, in Keras, on random inputs of the real shapes.
"""

import time

import keras
import numpy as np

from core.settings import ModelSettings
from training.encoders.bert import load_bert
from training.encoders.images import build_network
from training.encoders.sources import find_image_source, find_text_source

_BATCH, _STEPS = 16, 3
_TOKENS, _CLASSES = 64, 27


def step_seconds_per_row(settings: ModelSettings) -> dict[str, float]:
    """Seconds of one training step a row, for each encoder; the first step, which compiles, is not counted."""
    random = np.random.default_rng(1)
    folder = find_text_source(settings.text_encoder).path
    bert, _, _ = load_bert(folder, _TOKENS)
    ids = {"ids": random.integers(5, 1000, (_BATCH, _TOKENS)), "mask": np.ones((_BATCH, _TOKENS), np.int32)}
    photos = {"images": random.integers(0, 256, (_BATCH, 224, 224, 3), np.uint8)}
    resnet = build_network("resnet50", find_image_source(settings.image_weights))
    return {"bert": _step(bert, ids), "resnet50": _step(resnet, photos)}


def _step(encoder: keras.Model, inputs: dict[str, np.ndarray]) -> float:
    encoder.trainable = True
    logits = keras.layers.Dense(_CLASSES)(encoder.output)
    model = keras.Model(encoder.input, logits)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.AdamW(1e-5), loss=loss, jit_compile=False)
    labels = np.arange(_BATCH) % _CLASSES
    model.train_on_batch(inputs, labels)
    started = time.perf_counter()
    for _ in range(_STEPS):
        model.train_on_batch(inputs, labels)
    return (time.perf_counter() - started) / _STEPS / _BATCH
