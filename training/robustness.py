"""The same products, disturbed: what a shop's worse photos and hastier titles would make of a model's answers.

    features/<encoder sha>/disturbed.<disturbance>.<input>.npy   float16 (sampled rows, width)

Photos and titles are disturbed for a sample of the exam's rows, drawn by hash and from the frozen hold-out first: it
hardly ever changes, so an encoder embeds it once and every later judgement reads the file. Leaving a half out costs
nothing, so it is tried on all rows.
"""

import hashlib
import io
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from core.domain.splits import Split, unit_interval
from core.durable import make_folder, write_durably
from core.store.rows import TrainingRow
from preprocessing.images import RESIZE_RULE, ImageFolder, to_tensor
from preprocessing.text import TEXT_RULE
from training.features import Encoder, FeatureSet

SAMPLE = 200
"""Rows whose photos and titles are disturbed, at most."""
HALVES = ("text only", "image only")
"""Disturbances that take a half away, from rows that have both."""

_RULE = "disturbed-1"  # part of the cache's names: another rule is another file
_TEXT = "text"  # the feature that is read from texts; all others are read from photos
_SLIPS = 0.3  # share of words that get a slip of the finger
_SHORTEST = 4  # letters of a word that can be mistyped and still be read
_BLUR = 2.0  # pixels, of 224
_QUALITY = 10  # of a JPEG, 1 to 95


def mistype(text: str) -> str:
    """Swap, drop or double one letter in three words of ten; the same text always slips in the same places."""
    random = np.random.default_rng(list(hashlib.sha256(text.encode()).digest()))
    return " ".join(_slip(word, random) for word in text.split(" "))


def _slip(word: str, random: np.random.Generator) -> str:
    if len(word) < _SHORTEST or not word.isalpha() or random.random() >= _SLIPS:
        return word
    at = int(random.integers(1, len(word) - 1))
    before, here, after = word[:at], word[at], word[at + 1 :]
    return (f"{before}{after[0]}{here}{after[1:]}", f"{before}{after}", f"{before}{here}{here}{after}")[
        int(random.integers(3))
    ]


def strip_accents(text: str) -> str:
    """The text without its accents: ``é`` becomes ``e``."""
    bare = (one for one in unicodedata.normalize("NFD", text) if not unicodedata.combining(one))
    return unicodedata.normalize("NFC", "".join(bare))


def blur(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``(224, 224, 3)`` uint8 out of focus."""
    return np.asarray(Image.fromarray(photo).filter(ImageFilter.GaussianBlur(_BLUR)))


def compress(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``(224, 224, 3)`` uint8 after a JPEG of low quality."""
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "JPEG", quality=_QUALITY)
    return np.asarray(Image.open(file))


TEXTS: Mapping[str, Callable[[str], str]] = {"typos": mistype, "missing accents": strip_accents}
PHOTOS: Mapping[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {"blur": blur, "low quality": compress}


def sample(rows: Sequence[TrainingRow], most: int = SAMPLE) -> NDArray[np.intp]:
    """Positions of the rows to disturb, ascending: drawn by hash, those of the frozen hold-out before all others."""

    def turn(place: int) -> tuple[bool, float]:
        row = rows[place]
        return row.split != Split.HOLDOUT, unit_interval("disturbed", row.cluster, row.product_id)

    return np.array(sorted(sorted(range(len(rows)), key=turn)[:most]), dtype=np.intp)


def some_rows(features: FeatureSet, rows: NDArray[np.intp]) -> FeatureSet:
    """The same for some rows, in the order given."""
    return replace(
        features,
        arrays={name: array[rows] for name, array in features.arrays.items()},
        texts=tuple(features.texts[row] for row in rows),
        has_text=features.has_text[rows],
        has_image=features.has_image[rows],
    )


def without_a_half(features: FeatureSet, half: str) -> FeatureSet:
    """The same rows answered from one half alone; ``half`` is one of ``HALVES``."""
    nobody = np.zeros(len(features.texts), dtype=bool)
    if half == "text only":
        return replace(features, has_image=nobody)
    return replace(features, has_text=nobody, texts=("",) * len(features.texts))


def disturb(
    rows: Sequence[TrainingRow],
    features: FeatureSet,
    *,
    encoders: Mapping[str, Encoder],
    images: Path,
    cache_root: Path,
) -> dict[str, FeatureSet]:
    """Features of the disturbed rows, by disturbance.

    Args:
        rows: the sampled rows.
        features: theirs, undisturbed.
        encoders: by the name of the feature.
        images: folder of sanitised photos; read only for encoders that have not seen these rows disturbed.
        cache_root: the feature cache's folder.

    Raises:
        MissingImage: a photo has to be embedded and is not there.
    """
    photos = _Photos(rows, images)
    disturbed = {}
    for name, slip in TEXTS.items():
        texts = tuple(slip(text) for text in features.texts)
        arrays = dict(features.arrays)
        if _TEXT in encoders:
            arrays[_TEXT] = _embed(name, encoders[_TEXT], texts, features.has_text, texts.__getitem__, cache_root)
        disturbed[name] = replace(features, texts=texts, arrays=arrays)
    for name, spoil in PHOTOS.items():
        arrays = dict(features.arrays)
        for feature in encoders.keys() - {_TEXT}:
            read = partial(photos.read, spoil)
            arrays[feature] = _embed(name, encoders[feature], photos.shas, features.has_image, read, cache_root)
        disturbed[name] = replace(features, arrays=arrays)
    return disturbed


class _Photos:
    """Photos of the sampled rows, decoded when first asked for."""

    def __init__(self, rows: Sequence[TrainingRow], images: Path) -> None:
        self.shas = [row.image_sha256 for row in rows]
        self._folder = ImageFolder(images)
        self._decoded: dict[str, NDArray[np.uint8]] = {}

    def read(self, spoil: Callable[[NDArray[np.uint8]], NDArray[np.uint8]], at: int) -> NDArray[np.uint8]:
        """``(224, 224, 3)`` uint8, spoilt."""
        sha = self.shas[at]
        if sha not in self._decoded:
            self._decoded[sha] = to_tensor(self._folder.get(sha))
        return spoil(self._decoded[sha])


def _embed(
    name: str,
    encoder: Encoder,
    identity: Sequence[str],
    present: NDArray[np.bool_],
    read: Callable[[int], object],
    cache_root: Path,
) -> NDArray[np.float16]:
    """``(rows, width)`` features of disturbed rows, zeros where a row lacks the half; from the cache where it can."""
    told = "\n".join([_RULE, TEXT_RULE, RESIZE_RULE, *identity])
    digest = hashlib.sha256(told.encode()).hexdigest()[:12]
    path = cache_root / encoder.sha / f"disturbed.{name.replace(' ', '-')}.{digest}.npy"
    shape = (len(identity), encoder.width)
    try:
        kept = np.load(path)
        if kept.shape == shape and kept.dtype == np.float16:
            return kept
    except (FileNotFoundError, ValueError, EOFError):
        pass  # not there, or cut short: embedded again
    rows = np.flatnonzero(present)
    found = np.zeros(shape, np.float16)
    if len(rows):
        inputs = [read(int(row)) for row in rows]
        found[rows] = encoder.features(np.stack(inputs) if isinstance(inputs[0], np.ndarray) else inputs)
    data = io.BytesIO()
    np.save(data, found)
    make_folder(path.parent)
    write_durably(path, data.getbuffer())
    return found
