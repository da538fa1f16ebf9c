"""What a photo looks like without any learnt weights: oriented gradients and colour.

Small, fast and strong on few rows; the fusion keeps it beside the ResNet50.
"""

import hashlib
import json
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.color import rgb2hsv
from skimage.feature import hog

from preprocessing.images import IMAGE_SIZE
from preprocessing.spec import UnsupportedPreprocessing

# Everything that changes a number below. The sha names the feature cache's folder, so new parameters never meet
# old features; raise ``rule`` when the code changes what it computes. What rule 1 described comes first in rule 2:
# packages that were trained on it are still served.
_RULE_1 = {
    "rule": 1,
    "image_size": IMAGE_SIZE,
    "orientations": 9,
    "gradients": [[224, 32], [56, 14]],  # side the photo is reduced to, side of a cell, in pixels
    "histogram_side": 56,
    "histogram_bins": [8, 4, 4],  # hue, saturation, value
    "grid": 8,  # cells a side with mean and deviation of each channel
}
PARAMETERS = {
    **_RULE_1,
    "rule": 2,
    "subject": [112, 16],  # side its box is stretched to, side of a cell, in pixels
    "border_apart": 32,  # a pixel this far from the border's colour, of 255, belongs to the subject
    "least_subject": 0.2,  # of the photo's side; what is smaller is no subject
}


def _sha(parameters: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()


APPEARANCE_SHA = _sha(PARAMETERS)
WIDTH = 3428  # numbers per photo
_RULE_1_SHA, _RULE_1_WIDTH = _sha(_RULE_1), 2132

_GREY = np.array([0.299, 0.587, 0.114])


def features(images: NDArray[np.uint8]) -> NDArray[np.float16]:
    """Describe photos by oriented gradients at two scales, a colour histogram, a colour grid, and their subject.

    The subject is what differs from the colour of the photo's border; its box is stretched to a square, so that the
    same cell shows the same part of a shoe or a bag wherever it lies and however large it was taken.

    Args:
        images: ``(n, 224, 224, 3)`` uint8 RGB, from ``preprocessing.images.to_tensor``.

    Returns:
        ``(n, 3428)`` float16, every number in [0, 1].

    Raises:
        ValueError: another shape or dtype.
    """
    return _describe(images, _whole_and_subject, WIDTH)


def _describe(
    images: NDArray[np.uint8], describe: Callable[[NDArray[np.uint8]], list[NDArray[np.float64]]], width: int
) -> NDArray[np.float16]:
    if images.ndim != 4 or images.shape[1:] != (IMAGE_SIZE, IMAGE_SIZE, 3) or images.dtype != np.uint8:
        raise ValueError(f"expected uint8 (n, {IMAGE_SIZE}, {IMAGE_SIZE}, 3). Received: {images.dtype} {images.shape}")
    described = np.empty((len(images), width), dtype=np.float16)
    for row, image in enumerate(images):
        described[row] = np.concatenate(describe(image))
    return described


def _whole(image: NDArray[np.uint8]) -> list[NDArray[np.float64]]:
    return [*_gradients(image), _histogram(image), _grid(image)]


def _whole_and_subject(image: NDArray[np.uint8]) -> list[NDArray[np.float64]]:
    return [*_whole(image), _subject_gradients(image)]


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
    return [_oriented(_reduce(image, side) @ _GREY, cell) for side, cell in PARAMETERS["gradients"]]


def _oriented(grey: NDArray[np.float64], cell: int) -> NDArray[np.float64]:
    return hog(
        grey,
        orientations=PARAMETERS["orientations"],
        pixels_per_cell=(cell, cell),
        cells_per_block=(2, 2),
        block_norm="L2-Hys",
    )


def _subject_gradients(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    side, cell = PARAMETERS["subject"]
    grey = Image.fromarray(_subject(image)).convert("L").resize((side, side), Image.Resampling.BILINEAR)
    return _oriented(np.asarray(grey) / 255.0, cell)


def _subject(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut off the margins that have the border's colour; a photo without a clear subject stays as it is."""
    edges = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    border = np.median(edges, axis=0).astype(np.int16)
    apart = (np.abs(image.astype(np.int16) - border) > PARAMETERS["border_apart"]).any(axis=2)
    enough = 2  # pixels of a row or column: one alone is noise
    rows, columns = (np.flatnonzero(apart.sum(axis=axis) >= enough) for axis in (1, 0))
    if not rows.size or not columns.size:
        return image
    height, width = rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]
    if min(height, width) < PARAMETERS["least_subject"] * IMAGE_SIZE:
        return image
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


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
    def open(cls, sha: str) -> "Appearance":
        """Return what ``sha`` names, of this or an earlier rule; raises UnsupportedPreprocessing for any other."""
        known = {one.sha: one for one in (cls, _FirstAppearance)}
        if sha not in known:
            raise UnsupportedPreprocessing(f"appearance features are {sorted(known)}. Received: {sha}")
        return known[sha]()

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float16]:
        """``(n, width)`` float16 for ``(n, 224, 224, 3)`` uint8 RGB photos."""
        return features(images)


class _FirstAppearance(Appearance):
    """Rule 1: the whole photo alone."""

    sha, width = _RULE_1_SHA, _RULE_1_WIDTH

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float16]:
        return _describe(images, _whole, self.width)
