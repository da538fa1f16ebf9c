"""The whole model on real products: encoders, features, fit, package, load, answers from raw titles and photos."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from core.domain.product import Modality, Product
from core.domain.taxonomy import Taxonomy
from core.settings import ModelSettings
from inference import appearance
from inference.fusion_model import Inputs
from inference.model import EncoderPool, ServedModel
from preprocessing.images import sanitise, to_tensor
from preprocessing.text import compose, normalised
from training.config import FusionConfig
from training.encoders import build_image_encoder, build_text_encoder
from training.evaluate import Evaluation, evaluate
from training.family import RECIPES
from training.fit import FittedModel, fit_model
from training.learning_rows import TrainingData
from training.package import Provenance, golden_rows, package_model

TRAIN_ROWS, TEST_ROWS = 360, 180  # of 1,520 and 666: embedding more would take minutes
CONFIG = Path(__file__).parents[2] / "training" / "config.toml"


@dataclass(frozen=True)
class Trained:
    """What the tests look at."""

    served: ServedModel
    fitted: FittedModel
    products: list[Product]
    inputs: Inputs
    truth: np.ndarray

    def answers(self) -> np.ndarray:
        seen = self.inputs
        return self.served.probabilities_from_features(seen.features, seen.texts, seen.has_image, seen.has_text)

    def score(self, probabilities: np.ndarray, codes: tuple[int, ...]) -> Evaluation:
        everywhere = np.ones(len(self.truth), dtype=bool)
        return evaluate(self.truth, probabilities, codes, has_text=everywhere, has_image=everywhere)


def read_products(folder: Path, part: str, labels: str, count: int) -> tuple[list[Product], np.ndarray]:
    with (folder / f"X_{part}_update.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[:count]
    with (folder / labels).open(encoding="utf-8", newline="") as file:
        codes = [int(row["prdtypecode"]) for row in csv.DictReader(file)][:count]
    names = (f"image_{row['imageid']}_product_{row['productid']}.jpg" for row in rows)
    uploads = ((folder / "images" / f"image_{part}" / name).read_bytes() for name in names)
    photos = [sanitise(data, max_bytes=10**7, max_pixels=10**7).data for data in uploads]
    pairs = zip(rows, photos, strict=True)
    return [Product(row["designation"], row["description"] or None, photo) for row, photo in pairs], np.array(codes)


def embed(products: list[Product], text: object, image: object) -> Inputs:
    texts = [compose(product.designation, product.description) for product in products]
    tensors = np.stack([to_tensor(product.image) for product in products])
    features = {
        "text": text.features(texts),
        "image": image.features(tensors),
        "appearance": appearance.features(tensors),
    }
    everywhere = np.ones(len(texts), dtype=bool)
    return Inputs(features, texts, everywhere, everywhere)


@pytest.fixture(scope="module")
def trained(real_products: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    root = tmp_path_factory.mktemp("packages")
    shas = [build(ModelSettings(), root).sha for build in (build_text_encoder, build_image_encoder)]
    pool = EncoderPool(root)
    encoders = pool.text(shas[0]), pool.image(shas[1])
    learnt, codes = read_products(real_products, "train", "Y_train_CVw08PX.csv", TRAIN_ROWS)
    taxonomy = Taxonomy.from_csv(real_products / "taxonomy.csv")
    clusters = [normalised(product.designation, product.description) for product in learnt]
    data = TrainingData(embed(learnt, *encoders), codes, ["train"] * len(learnt), clusters, taxonomy.codes)
    fitted = fit_model(RECIPES["fusion"], data, FusionConfig.load(CONFIG))
    package = package_model(
        fitted,
        data,
        name="fusion",
        packages_root=root,
        provenance=Provenance(1, "0" * 64, dict(zip(("text", "image"), shas, strict=True))),
        taxonomy=taxonomy,
        golden={row: learnt[row] for row in golden_rows(data)},
    )
    served = ServedModel.load(root, package.sha, encoders=pool)
    unseen, truth = read_products(real_products, "test", "Y_test_oracle.csv", TEST_ROWS)
    return Trained(served, fitted, unseen, embed(unseen, *encoders), truth)


def test_the_fusion_beats_every_one_of_its_experts(trained: Trained) -> None:
    fused = trained.score(trained.answers(), trained.served.codes)
    said = trained.fitted.model.listen(trained.inputs)
    alone = {name: trained.score(np.exp(logs), trained.fitted.model.present_codes) for name, logs in said.items()}
    assert len(alone) == 4
    assert fused.weighted_f1 > max(one.weighted_f1 for one in alone.values())
    assert fused.weighted_f1 >= 0.65  # 0.87 when it learns from all of them
    assert fused.calibration_error < 0.15


def test_raw_products_and_cached_features_give_the_same_answers(trained: Trained) -> None:
    few = trained.served.probabilities(trained.products[:20])
    np.testing.assert_allclose(few, trained.answers()[:20], rtol=0, atol=1e-3)


def test_each_half_alone_is_answered_and_says_so(trained: Trained) -> None:
    product = trained.products[0]
    halves = [Product(product.designation, product.description), Product("", None, product.image)]
    assert [answer.modality for answer in trained.served.predict(halves)] == [Modality.TEXT_ONLY, Modality.IMAGE_ONLY]
