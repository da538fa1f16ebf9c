"""Photos as they might also have been taken: mirrored, cut closer, under other light."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.finetune.config import ImageFinetuneConfig

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def augment(photos: NDArray[np.uint8], keys: Sequence[Sequence[int]], config: ImageFinetuneConfig) -> NDArray[np.uint8]:
    """Change each photo as its key says: the same key, the same change, whatever stands beside it.

    Args:
        photos: ``(n, side, side, 3)`` RGB, 0 to 255; left alone.
        keys: of each photo: seed, epoch and row, say.
        config: ``flip`` is the share of mirrored photos, ``crop`` the most of a side that is cut away, ``jitter`` the
            most by which brightness, contrast and saturation change, each.

    Returns:
        Photos of the same shape and dtype.
    """
    changed = np.empty_like(photos)
    for index, (photo, key) in enumerate(zip(photos, keys, strict=True)):
        random = np.random.default_rng(list(key))
        changed[index] = _relight(_cut(photo, random, config), random, config.jitter)
    return changed


def _cut(photo: NDArray[np.uint8], random: np.random.Generator, config: ImageFinetuneConfig) -> NDArray[np.uint8]:
    side = photo.shape[0]
    kept = side * (1 - random.uniform(0, config.crop))
    left, top = random.uniform(0, side - kept, 2)
    mirrored = random.random() < config.flip
    box = (left, top, left + kept, top + kept)
    cut = np.asarray(Image.fromarray(photo).resize((side, side), Image.Resampling.BILINEAR, box=box))
    return cut[:, ::-1] if mirrored else cut


def _relight(photo: NDArray[np.uint8], random: np.random.Generator, jitter: float) -> NDArray[np.uint8]:
    brightness, contrast, saturation = random.uniform(1 - jitter, 1 + jitter, 3).astype(np.float32)
    light = photo.astype(np.float32) * brightness
    grey = (light @ _LUMA)[..., None]
    light = grey + (light - grey) * saturation
    middle = grey.mean()
    return np.clip(np.rint(middle + (light - middle) * contrast), 0, 255).astype(np.uint8)
