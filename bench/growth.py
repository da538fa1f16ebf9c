"""A large store made up for ``bench.retraining``: real rows and real cache files, features drawn instead of computed.

Texts are words with Zipf's frequencies, some of them a class's own. Features of the base are drawn around what the
real encoders say of a few products, with a direction for each class; photos of the base are holes in a file that
nobody reads, because their features are in the cache. New products are real: text, photo, staging row, verdict.
"""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.domain.splits import split_of_base
from core.domain.taxonomy import Taxonomy
from core.settings import StoreSettings
from core.store import training_csv
from core.store.manifests import first, manifest_path
from core.store.rows import TrainingRow, encode_rows
from core.store.segments import BASE_SEGMENT, IMAGE_SHAPE, IMAGES, PRODUCTS, Segment, StoredFile, segment_folder
from inference.family import FEATURES, TEXT, Encoder
from preprocessing.images import ImageFolder, SanitisedImage, sanitise, to_tensor
from preprocessing.text import TEXT_RULE, compose

REAL_ROWS = 64
"""Rows of the base whose features are really computed: the golden products are among them."""

_WORDS, _OWN_WORDS = 30_000, 400
_BLOCK = 4096
_SIGNAL = 0.25  # of a feature's deviation that its class decides


@dataclass(frozen=True)
class Maker:
    """Draws products of each class; everything it draws depends on its seed alone."""

    taxonomy: Taxonomy
    random: np.random.Generator
    words: list[str]
    own: NDArray[np.intp]
    chances: NDArray[np.float64]

    @classmethod
    def of(cls, taxonomy: Taxonomy, seed: int) -> "Maker":
        """A maker whose classes each have 400 words of their own among 30,000."""
        random = np.random.default_rng(seed)
        frequencies = 1 / np.arange(1, _WORDS + 1)
        own = np.stack([random.choice(_WORDS, _OWN_WORDS, replace=False) for _ in taxonomy.codes])
        return cls(
            taxonomy,
            random,
            [_spell(number) for number in range(_WORDS)],
            own,
            np.cumsum(frequencies) / frequencies.sum(),
        )

    def text(self, place: int, words: int) -> str:
        """Some words; one of four is its class's own."""
        drawn = np.searchsorted(self.chances, self.random.random(words))
        chosen = self.random.random(words) < 0.25
        drawn[chosen] = self.own[place, np.minimum(drawn[chosen], _OWN_WORDS - 1)]
        return " ".join(self.words[number] for number in drawn)

    def row(self, number: int, place: int, photo: str) -> TrainingRow:
        """A product of the base: a title, every other one with a description."""
        cluster = hashlib.sha256(f"base {number}".encode()).hexdigest()[:32]
        return TrainingRow(
            f"b{number}", "", self.text(place, 10), self.text(place, 40) if number % 2 else "",
            self.taxonomy.codes[place], photo, "base", split_of_base(cluster).value, cluster, "", "", "",
        )  # fmt: skip

    def photo(self, place: int) -> SanitisedImage:
        """Coarse colours around the class's own."""
        colour = np.random.default_rng(place).integers(40, 216, 3)
        coarse = np.clip(colour + self.random.integers(-60, 61, (12, 12, 3)), 0, 255).astype(np.uint8)
        out = io.BytesIO()
        Image.fromarray(coarse).resize((500, 500), Image.Resampling.BICUBIC).save(out, "JPEG", quality=90)
        return sanitise(out.getvalue(), max_bytes=10**7, max_pixels=10**7)


def make_base(store: StoreSettings, maker: Maker, encoders: dict[str, Encoder], rows: int) -> None:
    """Publish one segment of ``rows`` products and put their features into the cache."""
    classes = len(maker.taxonomy.codes)
    photos = [maker.photo(number % classes) for number in range(REAL_ROWS)]
    for photo in photos:
        ImageFolder(store.images).put(photo)
    places = [number % classes for number in range(rows)]
    products = [maker.row(number, place, photos[number % REAL_ROWS].sha256) for number, place in enumerate(places)]
    segment = _publish(store.training, products, maker.taxonomy.version)
    texts = [compose(row.designation, row.description) for row in products[:REAL_ROWS]]
    tensors = np.stack([to_tensor(photo.data) for photo in photos])
    for feature, encoder in encoders.items():
        real = encoder.features(texts if FEATURES[feature] is TEXT else tensors)
        _cache(store.features, segment, feature, encoder.sha, _draw(real, np.array(places), maker.random))


def _publish(training: Path, products: Sequence[TrainingRow], taxonomy_version: str) -> Segment:
    folder = segment_folder(training, BASE_SEGMENT)
    folder.mkdir(parents=True)
    data = b"".join(encode_rows(products))
    (folder / PRODUCTS).write_bytes(data)
    with (folder / IMAGES).open("wb") as file:
        header: dict[str, Any] = {"descr": "|u1", "fortran_order": False, "shape": (len(products), *IMAGE_SHAPE)}
        np.lib.format.write_array_header_1_0(file, header)
        size = file.tell() + len(products) * int(np.prod(IMAGE_SHAPE))
        file.truncate(size)
    files = {
        PRODUCTS: StoredFile(hashlib.sha256(data).hexdigest(), len(data), len(products)),
        IMAGES: StoredFile("0" * 64, size, len(products)),
    }
    segment = Segment(BASE_SEGMENT, len(products), files)
    manifest = first(segment, taxonomy_version=taxonomy_version)
    manifest_path(training, 1).parent.mkdir(parents=True)
    manifest_path(training, 1).write_bytes(manifest.to_bytes())
    training_csv.refresh(training)
    return segment


def _draw(real: NDArray[np.float16], places: NDArray[np.intp], random: np.random.Generator) -> NDArray[np.float16]:
    """``(rows, width)``: the real rows first, then ones as far from their mean as they are, partly by class."""
    mean, deviation = real.mean(axis=0, dtype=np.float32), real.std(axis=0, dtype=np.float32)
    classes = random.standard_normal((int(places.max()) + 1, real.shape[1]), np.float32) * _SIGNAL
    drawn = np.empty((len(places), real.shape[1]), np.float16)
    for at in range(0, len(places), _BLOCK):
        block = slice(at, at + _BLOCK)
        noise = random.standard_normal((len(places[block]), real.shape[1]), np.float32)
        drawn[block] = mean + deviation * (classes[places[block]] + noise)
    drawn[: len(real)] = real
    return drawn


def _cache(root: Path, segment: Segment, feature: str, sha: str, features: NDArray[np.float16]) -> None:
    """Where ``training.features`` looks for them."""
    of_text = hashlib.sha256(f"{segment.files[PRODUCTS].sha256} {TEXT_RULE}".encode()).hexdigest()
    digest = of_text if FEATURES[feature] is TEXT else segment.files[IMAGES].sha256
    path = root / sha / f"{segment.name}.{digest[:12]}.npy"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, features)


def _spell(number: int) -> str:
    """A word without digits for a number; frequent ones are short."""
    letters = ""
    number += 26
    while number:
        number, letter = divmod(number, 26)
        letters += chr(ord("a") + letter)
    return letters
