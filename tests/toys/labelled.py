"""A training store of a few labelled products, with features in the cache as a training writes them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.settings import StoreSettings
from core.store.manifests import append_segment
from core.store.rows import TrainingRow
from core.store.segments import BASE_SEGMENT, IMAGE_SHAPE, write_segment
from core.store.snapshot import Snapshot
from inference.fusion_model import Inputs
from preprocessing.images import to_tensor
from preprocessing.text import compose
from training.features import features_of

COLOURS = {"red": (200, 20, 20), "blue": (20, 20, 200), "green": (20, 200, 20)}


class Letters:
    """Features of a text: how often each letter stands in it."""

    sha, width = "a" * 64, 26

    def features(self, texts: Sequence[str]) -> NDArray[np.float16]:
        counts = [[text.lower().count(chr(ord("a") + letter)) for letter in range(26)] for text in texts]
        return np.array(counts, np.float16).reshape(len(texts), 26)


class MeanColour:
    """Features of a photo: its mean colour."""

    sha, width = "b" * 64, 3

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float16]:
        return images.mean(axis=(1, 2)).astype(np.float16)


ENCODERS: dict[str, Any] = {"text": Letters(), "image": MeanColour()}
SHAS: dict[str, str] = {feature: encoder.sha for feature, encoder in ENCODERS.items()}


def read(model: Any, products: Sequence[Any]) -> Inputs:
    """What a model with these encoders sees of products; a method, once it is put on a toy."""
    texts = [compose(product.designation, product.description) for product in products]
    has_text = np.array([bool(text) for text in texts])
    has_image = np.array([product.image is not None for product in products])
    letters = ENCODERS["text"].features(texts)
    colours = np.zeros((len(products), 3), np.float16)
    for at, product in enumerate(products):
        if product.image is not None:
            colours[at] = ENCODERS["image"].features(to_tensor(product.image)[None])[0]
    return Inputs({"text": letters, "image": colours}, texts, has_text, has_image)


@dataclass(frozen=True)
class Labelled:
    """A labelled product; ``colour`` is its photo's, None: it has none."""

    product_id: str
    title: str
    code: int = 10
    colour: str | None = None
    split: str = "train"
    prediction_id: str = ""
    cluster: str = ""

    def to_row(self) -> TrainingRow:
        """As it stands in the store."""
        photo = "f" * 64 if self.colour else ""
        source, cluster = "validated" if self.prediction_id else "base", self.cluster or f"c{self.product_id}"
        return TrainingRow(
            self.product_id, self.prediction_id, self.title, "", self.code, photo, source, self.split, cluster,
            "", "", "",
        )  # fmt: skip

    def to_tensor(self) -> NDArray[np.uint8]:
        """Its photo, all of one colour; zeros where it has none."""
        return np.broadcast_to(np.array(COLOURS[self.colour] if self.colour else (0, 0, 0), np.uint8), IMAGE_SHAPE)


def put(store: StoreSettings, products: Sequence[Labelled], *, segment: str = BASE_SEGMENT) -> None:
    """Append products to the training store as one segment."""
    rows, tensors = [one.to_row() for one in products], [one.to_tensor() for one in products]
    append_segment(store.training, write_segment(store.training, segment, rows, tensors), taxonomy_version="t")


def embed(
    store: StoreSettings, encoders: Mapping[str, Any] = ENCODERS, *, only: Collection[str] = tuple(ENCODERS)
) -> None:
    """Fill the feature cache, as a training does before it learns."""
    chosen = {feature: encoder for feature, encoder in encoders.items() if feature in only}
    features_of(Snapshot.open(store.training), encoders=chosen, cache_root=store.features)
