"""A fitted model to a package and back into service."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.domain.product import Modality, Product
from core.domain.taxonomy import Taxonomy
from core.registry.packages import MissingPackage, Package, write_package
from inference.answer import Answer
from inference.golden_products import GOLDEN, GoldenProducts, read_golden, write_golden
from inference.model import CannotAnswer, CorruptPackage, GoldenMismatch, ServedModel
from preprocessing.spec import UnsupportedPreprocessing
from training.fit import FittedModel
from training.learning_rows import TrainingData
from training.package import Provenance, golden_rows, package_model

WriteEncoder = Callable[[Path, str], Package]


def write_model(
    root: Path, shop: object, data: TrainingData, fitted: FittedModel, write_encoder: WriteEncoder, **changes: object
) -> Package:
    provenance = Provenance(
        manifest=3,
        manifest_sha256="ab" * 32,
        encoders={"text": write_encoder(root, "text-encoder").sha, "image": write_encoder(root, "image-encoder").sha},
    )
    given = {
        "name": "fusion",
        "packages_root": root,
        "provenance": provenance,
        "taxonomy": shop.taxonomy,
        "golden": {row: shop.products[row] for row in golden_rows(data)},
    }
    return package_model(fitted, data, **given | changes)


def altered(root: Path, package: Package, *, arrays: dict | None = None, spec: dict | None = None) -> str:
    """The sha of a package with other content and the same golden answers."""
    found = write_package(
        root,
        kind=package.kind,
        spec={**package.spec, **(spec or {})},
        arrays={**package.arrays(), **(arrays or {})},
        extra_files={GOLDEN: package.file(GOLDEN).read_bytes()},
    )
    return found.sha


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packages")


@pytest.fixture(scope="module")
def package(root: Path, shop: object, data: TrainingData, fitted: FittedModel, write_encoder: WriteEncoder) -> Package:
    return write_model(root, shop, data, fitted, write_encoder)


@pytest.fixture(scope="module")
def served(root: Path, package: Package, toy_pool: object) -> ServedModel:
    return ServedModel.load(root, package.sha, encoders=toy_pool)


def test_a_loaded_package_says_what_the_fitted_model_said(
    served: ServedModel, fitted: FittedModel, data: TrainingData
) -> None:
    inputs = data.inputs
    answers = served.probabilities_from_features(inputs.features, inputs.texts, inputs.has_image, inputs.has_text)
    np.testing.assert_array_equal(answers, fitted.model.probabilities(inputs))


def test_raw_products_are_answered_as_their_cached_features_are(
    served: ServedModel, fitted: FittedModel, data: TrainingData, shop: object
) -> None:
    np.testing.assert_allclose(
        served.probabilities(shop.products), fitted.model.probabilities(data.inputs), rtol=0, atol=1e-9
    )


def test_a_served_model_tells_what_it_is(served: ServedModel, package: Package, shop: object) -> None:
    assert (served.name, served.sha) == ("fusion", package.sha)
    assert served.codes == (10, 20, 30, 40, 50, 60)
    assert served.taxonomy_version == shop.taxonomy.version
    assert served.spec["weights"] == {"text": "random(text-encoder)", "image": "random(image-encoder)"}


def test_an_answer_ranks_classes_and_quotes_its_experts(served: ServedModel, shop: object) -> None:
    answer = served.predict([shop.products[0]], top_k=3)[0]
    assert isinstance(answer, Answer)
    assert answer.prdtypecode == shop.codes[0]
    assert answer.top_k[0] == (answer.prdtypecode, answer.confidence)
    assert len(answer.top_k) == 3
    assert [p for _, p in answer.top_k] == sorted((p for _, p in answer.top_k), reverse=True)
    assert set(answer.experts) == {"bert", "lexical", "appearance", "resnet50"}
    assert all(len(ranking) == 3 and ranking[0][0] == 10 for ranking in answer.experts.values())
    assert answer.modality is Modality.TEXT_AND_IMAGE


def test_an_answer_without_a_photo_or_a_text_says_so(served: ServedModel, shop: object) -> None:
    both = shop.products[0]
    textual, visual = served.predict([replace(both, image=None), Product("", None, both.image)])
    assert (textual.modality, set(textual.experts)) == (Modality.TEXT_ONLY, {"bert", "lexical"})
    assert (visual.modality, set(visual.experts)) == (Modality.IMAGE_ONLY, {"appearance", "resnet50"})
    assert textual.prdtypecode == visual.prdtypecode == shop.codes[0]


def test_mark_up_without_a_word_counts_as_no_text(served: ServedModel, shop: object) -> None:
    assert served.predict([Product("<br>", "&nbsp;", shop.products[0].image)])[0].modality is Modality.IMAGE_ONLY


def test_a_product_with_nothing_to_read_is_refused(served: ServedModel) -> None:
    with pytest.raises(CannotAnswer):
        served.predict([Product("<br>")])


def test_asking_for_more_classes_than_there_are_gives_them_all(served: ServedModel, shop: object) -> None:
    assert len(served.predict([shop.products[0]], top_k=100)[0].top_k) == 6


def test_no_products_give_no_answers(served: ServedModel) -> None:
    assert served.predict([]) == []
    assert served.probabilities([]).shape == (0, 6)


def test_the_same_model_has_the_same_sha_in_any_folder(
    tmp_path: Path, package: Package, shop: object, data: TrainingData, fitted: FittedModel, write_encoder: WriteEncoder
) -> None:
    assert write_model(tmp_path, shop, data, fitted, write_encoder).sha == package.sha


def test_golden_answers_cover_every_half(package: Package) -> None:
    products = read_golden(package.file(GOLDEN)).products
    assert {product.modality for product in products} == set(Modality)


def test_a_model_that_no_longer_gives_its_golden_answers_is_not_served(
    root: Path, package: Package, toy_pool: object
) -> None:
    bias = package.arrays()["fusion.text+image.bias"].copy()
    bias[0] += 0.5
    sha = altered(root, package, arrays={"fusion.text+image.bias": bias})
    with pytest.raises(GoldenMismatch):
        ServedModel.load(root, sha, encoders=toy_pool)


def test_a_model_that_answers_otherwise_than_when_it_was_loaded_says_so(
    served: ServedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.check()
    answers = served.probabilities
    monkeypatch.setattr(served, "probabilities", lambda products: np.roll(answers(products), 1, axis=1))
    with pytest.raises(GoldenMismatch):
        served.check()


def test_a_changed_byte_is_noticed_before_anything_is_read(
    tmp_path: Path, root: Path, package: Package, toy_pool: object
) -> None:
    shutil.copytree(root / package.sha, tmp_path / package.sha)
    card = tmp_path / package.sha / "model_card.md"
    card.write_bytes(card.read_bytes() + b" ")
    with pytest.raises(CorruptPackage):
        ServedModel.load(tmp_path, package.sha, encoders=toy_pool)


def test_a_package_that_lacks_an_array_is_corrupt(root: Path, package: Package, toy_pool: object) -> None:
    arrays = package.arrays()
    del arrays["bert.weight"]
    golden = {GOLDEN: package.file(GOLDEN).read_bytes()}
    broken = write_package(root, kind="model", spec=package.spec, arrays=arrays, extra_files=golden)
    with pytest.raises(CorruptPackage, match=r"bert|weight"):
        ServedModel.load(root, broken.sha, encoders=toy_pool)


def test_an_encoder_is_not_a_model(root: Path, package: Package, toy_pool: object) -> None:
    with pytest.raises(CorruptPackage, match="kind"):
        ServedModel.load(root, package.spec["encoders"]["text"], encoders=toy_pool)


def test_other_appearance_features_or_cleaning_rules_are_refused(
    root: Path, package: Package, toy_pool: object
) -> None:
    for change in (
        {"encoders": {**package.spec["encoders"], "appearance": "0" * 64}},
        {"preprocessing": {**package.spec["preprocessing"], "text_rule": "another"}},
    ):
        with pytest.raises(UnsupportedPreprocessing):
            ServedModel.load(root, altered(root, package, spec=change), encoders=toy_pool)


def test_the_card_states_sources_data_scores_and_limits(package: Package) -> None:
    card = package.file("model_card.md").read_text(encoding="utf-8")
    assert "toy weights of text-encoder" in card
    assert "toy weights of image-encoder" in card
    assert "manifest 3" in card
    assert "50 (Class 50)" in card  # never suggested
    assert "| 60 | Class 60 | Toys | 1 |" in card
    assert "| text and photo | fusion | " in card
    assert "$" not in card


def test_a_golden_product_must_be_the_row_it_stands_for(
    tmp_path: Path, shop: object, data: TrainingData, fitted: FittedModel, write_encoder: WriteEncoder
) -> None:
    for golden in ({}, {0: shop.products[1]}, {0: replace(shop.products[0], image=None)}):
        with pytest.raises(ValueError, match="golden"):
            write_model(tmp_path, shop, data, fitted, write_encoder, golden=golden)


def test_another_taxonomy_is_refused(
    tmp_path: Path, shop: object, data: TrainingData, fitted: FittedModel, write_encoder: WriteEncoder
) -> None:
    fewer = Taxonomy(list(shop.taxonomy)[:-1])
    with pytest.raises(ValueError, match="taxonomy"):
        write_model(tmp_path, shop, data, fitted, write_encoder, taxonomy=fewer)


def test_an_encoder_that_is_not_there_is_named(
    tmp_path: Path, shop: object, data: TrainingData, fitted: FittedModel, write_encoder: WriteEncoder
) -> None:
    with pytest.raises(MissingPackage):
        write_model(
            tmp_path,
            shop,
            data,
            fitted,
            write_encoder,
            provenance=Provenance(1, "ab" * 32, {"text": "0" * 64, "image": "1" * 64}),
        )


def test_golden_products_survive_their_file(tmp_path: Path) -> None:
    products = [
        Product("Été à 5 €", None, b"photo"),
        Product("", "l'eau\0", None),
        Product("x", "", b""),
        Product("", None, b"photo"),
    ]
    path = tmp_path / GOLDEN
    path.write_bytes(write_golden(GoldenProducts(products, np.eye(4))))
    read = read_golden(path)
    assert read.products == products
    np.testing.assert_array_equal(read.probabilities, np.eye(4))
