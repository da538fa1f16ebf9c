"""Every model of the family comes out of the same tables; the two earlier shapes of fusion beside the stacked one."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.domain.product import Modality, Product
from core.registry.packages import Package, encoders_of
from inference.family import EXPERTS, FEATURES, IMAGE, TEXT, features_read, readers
from inference.model import ServedModel
from training.config import EXPERT_SECTIONS, FusionConfig, MixtureConfig
from training.encoders import BUILDERS
from training.family import RECIPES, TRAINERS, UnknownModel, recipe_of
from training.fit import FittedModel, fit_model
from training.fusion import fit_shares
from training.learning_rows import TooFewRows, TrainingData
from training.package import Provenance, golden_rows, package_model
from training.softmax import balance

Fit = Callable[[str], FittedModel]


@pytest.fixture(scope="module")
def fit(data: TrainingData, config: FusionConfig) -> Fit:
    """Trains a model once."""
    quick = replace(config, mixture=MixtureConfig(("lexical", "appearance")))
    concat = replace(config.experts["concat"], most_epochs=40, patience=40, hidden_units=16, learning_rate=0.01)
    quick = replace(quick, experts={**quick.experts, "concat": concat})
    known: dict[str, FittedModel] = {}

    def fit(name: str) -> FittedModel:
        if name not in known:
            known[name] = fit_model(recipe_of(name, quick), data, quick)
        return known[name]

    return fit


@pytest.fixture
def serve(shop: Any, data: TrainingData, tmp_path: Path, write_encoder: Any, toy_pool: Any) -> Callable[..., Any]:
    """Packages a fitted model and opens the package."""

    def serve(fitted: FittedModel) -> tuple[Package, ServedModel]:
        shas = {feature: write_encoder(tmp_path, f"{feature}-encoder").sha for feature in ("text", "image")}
        golden = {row: shop.products[row] for row in golden_rows(data)}
        package = package_model(
            fitted,
            data,
            name=fitted.recipe.name,
            packages_root=tmp_path,
            provenance=Provenance(1, "0" * 64, shas),
            taxonomy=shop.taxonomy,
            golden=golden,
        )
        return package, ServedModel.load(tmp_path, package.sha, encoders=toy_pool)

    return serve


def share_right(fitted: FittedModel, data: TrainingData, **halves: np.ndarray) -> float:
    answered = np.array(fitted.model.codes)[fitted.model.probabilities(replace(data.inputs, **halves)).argmax(axis=1)]
    rows = np.flatnonzero(data.inputs.has_text & data.inputs.has_image)
    return (answered == data.codes)[rows].mean()


def test_every_expert_can_be_trained_configured_and_fed() -> None:
    assert set(EXPERTS) == set(TRAINERS) == set(EXPERT_SECTIONS)
    assert {feature for expert in EXPERTS.values() for feature in expert.features} <= set(FEATURES)
    assert set(BUILDERS) == set(FEATURES) - {"appearance"}


def test_every_expert_but_the_joint_one_is_a_model_of_its_own() -> None:
    assert set(RECIPES) == (set(EXPERTS) - {"concat"}) | {"fusion", "fusion-concat", "fusion-weighted"}


def test_a_model_nobody_knows_is_refused_by_name(config: FusionConfig) -> None:
    with pytest.raises(UnknownModel, match="fusion-concat"):
        recipe_of("fusionconcat", config)


def test_readers_follow_the_halves_of_a_product() -> None:
    among = ("resnet50", "lexical", "bert", "concat")
    assert readers(Modality.TEXT_AND_IMAGE, among) == ("bert", "lexical", "resnet50", "concat")
    assert readers(TEXT, among) == ("bert", "lexical", "concat")
    assert readers(IMAGE, among) == ("resnet50", "concat")
    assert features_read(among) == ("text", "image")


@pytest.mark.parametrize("name", ["lexical", "appearance", "resnet50"])
def test_one_expert_alone_is_a_model_with_a_temperature_and_no_weights(name: str, fit: Fit) -> None:
    fitted = fit(name)
    (half,) = EXPERTS[name].halves
    (blend,) = fitted.model.fusion.blends.values()
    assert set(fitted.model.fusion.blends) == {half}
    assert (blend.experts, set(blend.weight.ravel()), blend.bias.any()) == ((name,), {1.0}, False)
    assert set(fitted.out_of_fold[half]) == {name}


def test_a_model_of_texts_says_that_it_did_not_look_at_the_photo(fit: Fit, serve: Any, shop: Any) -> None:
    package, served = serve(fit("lexical"))
    assert (package.spec["encoders"], encoders_of(package)) == ({}, [])
    assert served.predict([shop.products[0]])[0].modality is TEXT
    assert served.predict([replace(shop.products[0], image=b"no photo at all")])[0].prdtypecode == 10


def test_a_model_opens_only_the_encoders_that_its_heads_read(fit: Fit, serve: Any, toy_pool: Any) -> None:
    toy_pool.asked.clear()
    package, _ = serve(fit("resnet50"))
    assert toy_pool.asked == [package.spec["encoders"]["image"]] == encoders_of(package)


def test_features_side_by_side_answer_from_both_halves_and_from_either(fit: Fit, data: TrainingData) -> None:
    nothing = np.zeros(len(data.codes), bool)
    concat = fit("fusion-concat")
    assert set(concat.model.fusion.blends) == set(Modality)
    assert share_right(concat, data) > 0.9
    assert share_right(concat, data, has_image=nothing) > 0.8
    assert share_right(concat, data, has_text=nothing) > 0.8


def test_what_lies_in_a_missing_half_does_not_matter(fit: Fit, data: TrainingData) -> None:
    nothing = np.zeros(len(data.codes), bool)
    junk = {**data.inputs.features, "image": np.full_like(data.inputs.features["image"], 7)}
    inputs = replace(data.inputs, has_image=nothing)
    one, other = (fit("fusion-concat").model.probabilities(replace(inputs, **it)) for it in ({}, {"features": junk}))
    np.testing.assert_array_equal(one, other)


def test_a_half_that_training_never_showed_has_no_say(data: TrainingData, config: FusionConfig) -> None:
    textual = replace(data, inputs=replace(data.inputs, has_image=np.zeros(len(data.codes), bool)))
    fitted = fit_model(RECIPES["fusion-concat"], textual, config)
    np.testing.assert_allclose(
        fitted.model.probabilities(data.inputs)[data.inputs.has_text],
        fitted.model.probabilities(textual.inputs)[data.inputs.has_text],
        atol=1e-6,
    )


@pytest.mark.parametrize("name", ["fusion-concat", "fusion-weighted"])
def test_the_earlier_fusions_are_packaged_and_answer_raw_products(
    name: str, fit: Fit, serve: Any, data: TrainingData, shop: Any
) -> None:
    package, served = serve(fit(name))
    assert package.spec["architecture"] == name
    np.testing.assert_allclose(
        served.probabilities(shop.products), fit(name).model.probabilities(data.inputs), rtol=0, atol=1e-5
    )
    answers = served.predict([shop.products[0], Product("", None, shop.products[0].image)])
    assert [answer.prdtypecode for answer in answers] == [10, 10]


def test_the_fusions_package_reads_as_it_did_before_there_were_others(fitted: FittedModel, serve: Any) -> None:
    package, _ = serve(fitted)
    assert "heads" not in package.spec
    assert set(package.spec["encoders"]) == {"text", "image", "appearance"}
    assert all(set(blend) == {"experts", "temperature"} for blend in package.spec["blends"].values())


def test_a_mixture_has_one_share_per_expert_and_they_sum_to_one(fit: Fit) -> None:
    blend = fit("fusion-weighted").model.fusion.blends[Modality.TEXT_AND_IMAGE]
    assert (blend.kind, blend.experts, blend.weight.shape) == ("mixture", ("lexical", "appearance"), (2, 1))
    assert blend.weight.sum() == pytest.approx(1)


def test_the_better_expert_gets_the_larger_share() -> None:
    labels = np.arange(400) % 4
    good = np.where(np.eye(4)[labels] > 0, 0.7, 0.1)
    stack = np.log(np.stack([good, np.full((400, 4), 0.25)], axis=1))
    shares = fit_shares(stack, labels)
    assert shares[0] > 0.99
    assert fit_shares(stack[:0], labels[:0]).tolist() == [0.5, 0.5]


def test_a_model_without_anything_to_read_says_what_it_needs(data: TrainingData, config: FusionConfig) -> None:
    textual = replace(data, inputs=replace(data.inputs, has_image=np.zeros(len(data.codes), bool)))
    with pytest.raises(TooFewRows, match="resnet50"):
        fit_model(RECIPES["resnet50"], textual, config)


def test_balanced_rows_count_less_the_more_common_their_class() -> None:
    labels = np.array([0, 0, 0, 1])
    assert balance(labels, 2, 0.0).tolist() == [1, 1, 1, 1]
    full = balance(labels, 2, 1.0)
    assert full[:3].sum() == pytest.approx(full[3])
    assert full.mean() == pytest.approx(1)
