"""What a photo looks like without any learnt weights: oriented gradients and colour.

Small, fast and strong on few rows; the fusion keeps it beside the ResNet50.
"""

import hashlib
import json
from typing import Self

import numpy as np
from numpy.typing import NDArray
from skimage.color import rgb2hsv
from skimage.feature import hog

from preprocessing.images import IMAGE_SIZE
from preprocessing.spec import UnsupportedPreprocessing

# Everything that changes a number below. The sha names the feature cache's folder, so new parameters never meet
# old features; raise ``rule`` when the code changes what it computes.
PARAMETERS = {
    "rule": 1,
    "image_size": IMAGE_SIZE,
    "orientations": 9,
    "gradients": [[224, 32], [56, 14]],  # side the photo is reduced to, side of a cell, in pixels
    "histogram_side": 56,
    "histogram_bins": [8, 4, 4],  # hue, saturation, value
    "grid": 8,  # cells a side with mean and deviation of each channel
}
APPEARANCE_SHA = hashlib.sha256(json.dumps(PARAMETERS, sort_keys=True).encode()).hexdigest()
WIDTH = 2132  # numbers per photo

_GREY = np.array([0.299, 0.587, 0.114])


def features(images: NDArray[np.uint8]) -> NDArray[np.float16]:
    """Describe photos by oriented gradients at two scales, a colour histogram and a colour grid.

    Args:
        images: ``(n, 224, 224, 3)`` uint8 RGB, from ``preprocessing.images.to_tensor``.

    Returns:
        ``(n, 2132)`` float16, every number in [0, 1].

    Raises:
        ValueError: another shape or dtype.
    """
    if images.ndim != 4 or images.shape[1:] != (IMAGE_SIZE, IMAGE_SIZE, 3) or images.dtype != np.uint8:
        raise ValueError(f"expected uint8 (n, {IMAGE_SIZE}, {IMAGE_SIZE}, 3). Received: {images.dtype} {images.shape}")
    described = np.empty((len(images), WIDTH), dtype=np.float16)
    for row, image in enumerate(images):
        described[row] = np.concatenate([*_gradients(image), _histogram(image), _grid(image)])
    return described


def _cell_means(values: NDArray[np.integer], cells: int) -> NDArray[np.float64]:
    """Average whole squares of pixels: ``(cells, cells, 3)`` in the unit of ``values``."""
    step = IMAGE_SIZE // cells
    # Exact in 32 bits: 224 × 224 × 255² fits. One axis at a time is three times faster than both at once.
    rows = values.reshape(cells, step, IMAGE_SIZE * 3).sum(axis=1, dtype=np.uint32)
    return rows.reshape(cells, cells, step, 3).sum(axis=2, dtype=np.uint32) / step**2


def _reduce(image: NDArray[np.uint8], side: int) -> NDArray[np.float64]:
    """Shrink a photo: ``(side, side, 3)`` in [0, 1]."""
    return _cell_means(image, side) / 255.0


def _gradients(image: NDArray[np.uint8]) -> list[NDArray[np.float64]]:
    return [
        hog(
            _reduce(image, side) @ _GREY,
            orientations=PARAMETERS["orientations"],
            pixels_per_cell=(cell, cell),
            cells_per_block=(2, 2),
            block_norm="L2-Hys",
        )
        for side, cell in PARAMETERS["gradients"]
    ]


def _histogram(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Square roots of the shares of hue × saturation × value bins (unit Euclidean length)."""
    bins = PARAMETERS["histogram_bins"]
    pixels = rgb2hsv(_reduce(image, PARAMETERS["histogram_side"])).reshape(-1, 3)
    cells = np.minimum((pixels * bins).astype(np.intp), np.subtract(bins, 1))
    counts = np.bincount(np.ravel_multi_index(tuple(cells.T), bins), minlength=int(np.prod(bins)))
    return np.sqrt(counts / len(pixels))


def _grid(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Mean and standard deviation of each channel in each cell of a coarse grid."""
    mean = _cell_means(image, PARAMETERS["grid"])
    variance = _cell_means(np.square(image, dtype=np.uint32), PARAMETERS["grid"]) - mean**2
    deviation = np.sqrt(np.maximum(variance, 0.0))
    return np.concatenate([mean.ravel(), deviation.ravel()]) / 255.0


class Appearance:
    """``features`` in the shape of an encoder.

    Attributes:
        sha: of the parameters.
        width: numbers per photo.
    """

    sha, width = APPEARANCE_SHA, WIDTH

    @classmethod
    def open(cls, sha: str) -> Self:
        """Return it; raises UnsupportedPreprocessing when ``sha`` is that of other parameters."""
        if sha != APPEARANCE_SHA:
            raise UnsupportedPreprocessing(f"appearance features are {APPEARANCE_SHA}. Received: {sha}")
        return cls()

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float16]:
        """``(n, 2132)`` float16 for ``(n, 224, 224, 3)`` uint8 RGB photos."""
        return features(images)
