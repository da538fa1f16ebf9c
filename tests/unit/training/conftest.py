"""A toy shop: a handful of products whose title and photo both tell their class, and encoders of a few numbers."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from core.domain.product import Product
from core.domain.taxonomy import Category, Taxonomy
from core.registry.packages import Package, write_package
from inference import appearance
from inference.fusion_model import Inputs
from preprocessing.images import sanitise, to_tensor
from preprocessing.spec import PreprocessingSpec
from preprocessing.text import compose
from training.config import FusionConfig
from training.family import RECIPES
from training.fit import FittedModel, fit_model
from training.learning_rows import TrainingData

WORDS = {10: "livre roman poche", 20: "console jeu manette", 30: "coussin housse coton", 40: "piscine pompe filtre"}
COLOURS = {10: (200, 40, 40), 20: (40, 160, 60), 30: (50, 60, 190), 40: (210, 190, 40)}
EMPTY_CLASS = 50  # in the taxonomy, without any row
LONELY_CLASS = 60  # one row
ROWS = 64


class ToyText:
    """Hashed words: the width of 16 stands for BERT's."""

    width = 16

    def features(self, texts: list[str]) -> NDArray[np.float16]:
        rows = np.zeros((len(texts), self.width), np.float16)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                rows[row, hashlib.sha256(word.encode()).digest()[0] % self.width] += 1
        return rows


class ToyImage:
    """Mean colour of the four quarters: the width of 12 stands for ResNet50's."""

    width = 12

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float16]:
        quarters = images.reshape(len(images), 2, 112, 2, 112, 3).mean(axis=(2, 4))
        return (quarters.reshape(len(images), self.width) / 255).astype(np.float16)


@dataclass
class ToyPool:
    """In place of ``EncoderPool``; remembers which packages were asked for."""

    asked: list[str] = field(default_factory=list)

    def text(self, sha: str) -> ToyText:
        self.asked.append(sha)
        return ToyText()

    def image(self, sha: str) -> ToyImage:
        self.asked.append(sha)
        return ToyImage()


@dataclass(frozen=True)
class ToyShop:
    """Products with their codes, splits and clusters; row i of everything is product i."""

    products: list[Product]
    codes: list[int]
    splits: list[str]
    clusters: list[str]
    taxonomy: Taxonomy

    def data(self) -> TrainingData:
        """As a training sees it, by the toy encoders."""
        texts = [compose(product.designation, product.description) for product in self.products]
        has_image = np.array([product.image is not None for product in self.products])
        tensors = np.stack([to_tensor(one.image) for one in self.products if one.image])
        features = {"text": ToyText().features(texts)}
        for name, found in (("image", ToyImage().features(tensors)), ("appearance", appearance.features(tensors))):
            features[name] = np.zeros((len(texts), found.shape[1]), np.float16)
            features[name][has_image] = found
        inputs = Inputs(features, texts, np.array([bool(text) for text in texts]), has_image)
        return TrainingData(inputs, np.array(self.codes), self.splits, self.clusters, self.taxonomy.codes)


def photo(colour: tuple[int, int, int], seed: int) -> bytes:
    noise = np.random.default_rng(seed).integers(-40, 41, (48, 40, 3))
    pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return sanitise(file.getvalue(), max_bytes=10**6, max_pixels=10**6).data


def toy_taxonomy() -> Taxonomy:
    return Taxonomy([Category(code, f"Class {code}", f"Classe {code}", "Toys") for code in (10, 20, 30, 40, 50, 60)])


def toy_product(code: int, seed: int) -> Product:
    random = np.random.default_rng(seed)
    words = WORDS.get(code, "mystère").split()
    title = " ".join([*random.permutation(words)[:2], f"réf{random.integers(1000)}"])
    return Product(title, None, photo(COLOURS.get(code, (120, 120, 120)), seed))


@pytest.fixture(scope="session")
def shop() -> ToyShop:
    """64 products of four classes, one of a fifth; every eighth without a photo, one without a text."""
    codes = [*([10, 20, 30, 40] * (ROWS // 4)), LONELY_CLASS]
    products = [toy_product(code, seed) for seed, code in enumerate(codes)]
    products = [replace(one, image=None) if row % 8 == 5 else one for row, one in enumerate(products)]
    products[2] = Product("", None, products[2].image)
    splits = [
        ("train", "train", "train", "validation", "holdout", "train", "fresh")[row // 4 % 7] for row in range(ROWS)
    ]
    return ToyShop(products, codes, [*splits, "train"], [f"c{row}" for row in range(len(codes))], toy_taxonomy())


@pytest.fixture(scope="session")
def config() -> FusionConfig:
    """The shipped configuration, with fewer folds and epochs."""
    shipped = FusionConfig.load(Path(__file__).parents[3] / "training" / "config.toml")
    short = {"most_epochs": 6, "batch_rows": 16}
    quick = {name: replace(one, **short) for name, one in shipped.experts.items() if hasattr(one, "most_epochs")}
    return replace(shipped, folds=3, experts={**shipped.experts, **quick})


@pytest.fixture(scope="session")
def data(shop: ToyShop) -> TrainingData:
    return shop.data()


@pytest.fixture(scope="session")
def fitted(data: TrainingData, config: FusionConfig) -> FittedModel:
    return fit_model(RECIPES["fusion"], data, config)


@pytest.fixture(scope="session")
def write_encoder() -> Callable[[Path, str], Package]:
    """Writes a package that stands for an encoder's: only what a model's package quotes of it."""

    def write(root: Path, kind: str) -> Package:
        spec = {
            "architecture": "toy",
            "weights": f"random({kind})",
            "source": {"loaded": f"toy weights of {kind}", "licence": "none"},
            "preprocessing": PreprocessingSpec().to_dict(),
        }
        return write_package(root, kind=kind, spec=spec, arrays={"nothing": np.zeros(1)})

    return write


@pytest.fixture(scope="session")
def toy_pool() -> ToyPool:
    return ToyPool()
