"""A real model package, small enough to make in a moment: the lexical and the appearance expert, no encoders."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from core.domain.product import Modality, Product
from core.registry.packages import write_package
from inference import appearance
from inference.fusion import Blend, Fusion
from inference.fusion_model import FusionModel, Inputs
from inference.golden_products import GOLDEN, GoldenProducts, write_golden
from inference.heads import DenseHead, LexicalHead
from inference.lexical import LexicalRule, LexicalSpace
from inference.model import MODEL
from preprocessing.images import to_tensor
from preprocessing.spec import PreprocessingSpec
from preprocessing.text import compose

CODES = (10, 40, 2060)
TITLES = ("a book of tales", "a board game", "a table lamp")  # one of each code
KNOWN = dict(zip(CODES, TITLES, strict=True))
TAXONOMY_VERSION = "toy000000000"


def write_tiny_model(
    packages: Path, photo: bytes, *, temperature: float = 0.2, known: Mapping[int, str] = KNOWN
) -> str:
    """Package a model that knows each code of ``known`` by its words and finds photos undecided; its sha.

    Another ``temperature`` of the words is another model.
    """
    classes, texts = len(known), tuple(known.values())
    heads = {"lexical": _lexical(texts), "appearance": _undecided(classes)}
    model = FusionModel(tuple(known), np.arange(classes), heads, _fusion(temperature, classes))
    return _write(packages, "fusion", model, [Product(texts[0]), Product(texts[2], None, photo)])


def write_tiny_expert(packages: Path, photo: bytes, expert: str, *, manifest: int = 1) -> str:
    """Package one of its experts, ``lexical`` or ``appearance``, as a model that learnt from ``manifest``; its sha."""
    half, head = (Modality.TEXT_ONLY, _lexical(TITLES)) if expert == "lexical" else (Modality.IMAGE_ONLY, _undecided(3))
    alone = Blend((expert,), np.ones((1, 3)), np.zeros(3), 1.0)
    model = FusionModel(CODES, np.arange(3), {expert: head}, Fusion({expert: 0.2}, -10.0, {half: alone}))
    return _write(packages, expert, model, [Product(TITLES[0], None, photo)], manifest)


def _write(packages: Path, name: str, model: FusionModel, products: list[Product], manifest: int = 1) -> str:
    spec = {
        "architecture": name,
        "name": name,
        "taxonomy_version": TAXONOMY_VERSION,
        "preprocessing": PreprocessingSpec().to_dict(),
        "encoders": {"appearance": appearance.APPEARANCE_SHA},
        "weights": {},
        "snapshot": {"manifest": manifest, "sha256": "0" * 64},
        **model.to_spec(),
    }
    golden = write_golden(GoldenProducts(products, model.probabilities(_inputs(products))))
    package = write_package(packages, kind=MODEL, spec=spec, arrays=model.to_arrays(), extra_files={GOLDEN: golden})
    return package.sha


def _lexical(texts: Sequence[str]) -> LexicalHead:
    rule = LexicalRule(word_bits=12, piece_bits=12, longest_words=1, shortest_piece=3, longest_piece=4)
    counts = rule.count(texts)
    space = LexicalSpace.learn(rule, counts, min_rows=1)
    return LexicalHead(space, space.weigh(counts).toarray().T.astype(np.float32), np.zeros(len(texts), np.float32))


def _undecided(classes: int) -> DenseHead:
    width = appearance.WIDTH
    return DenseHead(
        np.zeros(width, np.float32),
        np.ones(width, np.float32),
        np.zeros((width, classes), np.float32),
        np.zeros(classes, np.float32),
    )


def _fusion(temperature: float, classes: int) -> Fusion:
    alone = {
        modality: Blend((expert,), np.ones((1, classes)), np.zeros(classes), 1.0)
        for modality, expert in ((Modality.TEXT_ONLY, "lexical"), (Modality.IMAGE_ONLY, "appearance"))
    }
    both = Blend(("lexical", "appearance"), np.ones((2, classes)), np.zeros(classes), 1.0)
    return Fusion({"lexical": temperature, "appearance": 1.0}, -10.0, {**alone, Modality.TEXT_AND_IMAGE: both})


def _inputs(products: list[Product]) -> Inputs:
    seen = np.zeros((len(products), appearance.WIDTH), np.float16)
    for row, product in enumerate(products):
        if product.image is not None:
            seen[row] = appearance.features(to_tensor(product.image)[None])[0]
    has_image = np.array([product.image is not None for product in products])
    texts = [compose(product.designation, product.description) for product in products]
    return Inputs({"appearance": seen}, texts, np.ones(len(products), bool), has_image)
