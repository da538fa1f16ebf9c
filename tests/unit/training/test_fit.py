"""From a toy snapshot to a fitted fusion model."""

from dataclasses import replace

import numpy as np
import pytest

from core.domain.product import Modality
from core.domain.splits import Split
from inference.fusion_model import Inputs
from training.config import FusionConfig
from training.family import RECIPES
from training.fit import FittedModel, fit_model
from training.learning_rows import LearningRows, TooFewRows, TrainingData, deal

FUSION = RECIPES["fusion"]


def measured(data: TrainingData) -> np.ndarray:
    return np.isin(np.array(data.splits), [Split.HOLDOUT, Split.FRESH, Split.NONE])


def assert_same_arrays(one: FittedModel, other: FittedModel) -> None:
    left, right = one.model.to_arrays(), other.model.to_arrays()
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)
    assert one.model.to_spec() == other.model.to_spec()


def test_rows_never_seen_are_answered_rightly(data: TrainingData, fitted: FittedModel) -> None:
    probabilities = fitted.model.probabilities(data.inputs)
    answered = np.array(fitted.model.codes)[probabilities.argmax(axis=1)]
    unseen = measured(data)
    assert (answered == data.codes)[unseen].mean() > 0.9


def test_probabilities_sum_to_one_in_the_columns_of_the_taxonomy(data: TrainingData, fitted: FittedModel) -> None:
    probabilities = fitted.model.probabilities(data.inputs)
    assert probabilities.shape == (len(data.codes), 6)
    assert fitted.model.codes == (10, 20, 30, 40, 50, 60)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_a_class_without_rows_has_no_probability_and_one_with_a_single_row_has_some(
    data: TrainingData, fitted: FittedModel
) -> None:
    probabilities = fitted.model.probabilities(data.inputs)
    assert not probabilities[:, fitted.model.codes.index(50)].any()
    assert (probabilities[:, fitted.model.codes.index(60)] > 0).all()


def test_the_same_data_and_configuration_give_the_same_arrays(
    data: TrainingData, config: FusionConfig, fitted: FittedModel
) -> None:
    assert_same_arrays(fit_model(FUSION, data, config), fitted)


def test_nothing_measured_is_learnt_from(data: TrainingData, config: FusionConfig, fitted: FittedModel) -> None:
    """Other labels, texts and features of hold-out, fresh and excluded rows change no bit of the model."""
    hidden = measured(data)
    codes = np.where(hidden, 10, data.codes)
    texts = ["zzz" if away else text for text, away in zip(data.inputs.texts, hidden, strict=True)]
    features = {name: np.where(hidden[:, None], np.float16(7), known) for name, known in data.inputs.features.items()}
    inputs = Inputs(features, texts, data.inputs.has_text, data.inputs.has_image)
    assert hidden.any()
    assert_same_arrays(fit_model(FUSION, replace(data, codes=codes, inputs=inputs), config), fitted)


def test_another_seed_gives_another_model(data: TrainingData, config: FusionConfig, fitted: FittedModel) -> None:
    other = fit_model(FUSION, data, replace(config, seed=config.seed + 1))
    assert not np.array_equal(other.model.to_arrays()["bert.weight"], fitted.model.to_arrays()["bert.weight"])


def test_a_missing_half_drops_its_experts_and_not_the_answer(data: TrainingData, fitted: FittedModel) -> None:
    nothing = np.zeros(len(data.codes), dtype=bool)
    blends = fitted.model.fusion.blends
    assert set(blends) == set(Modality)
    for inputs, modality in (
        (replace(data.inputs, has_image=nothing), Modality.TEXT_ONLY),
        (replace(data.inputs, has_text=nothing), Modality.IMAGE_ONLY),
    ):
        rows = [row for row, found in enumerate(fitted.model.modalities(inputs)) if found == modality]
        answered = np.array(fitted.model.codes)[fitted.model.probabilities(inputs).argmax(axis=1)]
        assert (answered == data.codes)[rows].mean() > 0.8


def test_a_row_with_nothing_to_read_gets_every_known_class_equally(data: TrainingData, fitted: FittedModel) -> None:
    nothing = np.zeros(len(data.codes), dtype=bool)
    probabilities = fitted.model.probabilities(replace(data.inputs, has_image=nothing, has_text=nothing))
    np.testing.assert_allclose(probabilities[:, fitted.model.present], 1 / 5)


def test_a_shop_without_photos_learns_from_texts_alone(data: TrainingData, config: FusionConfig) -> None:
    nothing = np.zeros(len(data.codes), dtype=bool)
    textual = fit_model(FUSION, replace(data, inputs=replace(data.inputs, has_image=nothing)), config)
    assert set(textual.model.heads) == {"bert", "lexical"}
    assert set(textual.model.fusion.blends) == {Modality.TEXT_ONLY}
    assert textual.model.modalities(data.inputs)[0] == Modality.TEXT_ONLY


def test_one_class_alone_cannot_be_learnt(data: TrainingData, config: FusionConfig) -> None:
    with pytest.raises(TooFewRows):
        fit_model(FUSION, replace(data, codes=np.full(len(data.codes), 10)), config)


def test_two_classes_are_enough(data: TrainingData, config: FusionConfig) -> None:
    fitted = fit_model(FUSION, replace(data, codes=np.where(data.codes > 20, 20, 10)), config)
    assert fitted.model.present.tolist() == [0, 1]
    np.testing.assert_allclose(fitted.model.probabilities(data.inputs).sum(axis=1), 1)


def test_rows_of_a_code_outside_the_taxonomy_are_left_out(data: TrainingData, config: FusionConfig) -> None:
    rows = LearningRows.choose(
        replace(data, codes=np.where(data.codes == 60, 99, data.codes)), folds=config.folds, seed=config.seed
    )
    assert rows.present.tolist() == [0, 1, 2, 3]


def test_progress_and_curves_tell_of_every_expert(data: TrainingData, config: FusionConfig) -> None:
    lines: list[str] = []
    fitted = fit_model(FUSION, data, config, lines.append)
    assert [line.split(":")[0] for line in lines[1:]] == ["lexical", "bert", "appearance", "resnet50", "fusion"]
    assert {len(values) for values in fitted.curves.values()} <= set(range(1, 7))
    told = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")
    assert set(fitted.curves) == {f"{expert}.{name}" for expert in ("bert", "resnet50") for name in told}


def test_copies_of_one_product_are_dealt_into_the_same_part() -> None:
    clusters = [f"c{row // 3}" for row in range(60)]
    labels = np.repeat(np.arange(4), 15)
    parts = deal(clusters, labels, folds=5, seed=1)
    assert all(len(set(parts[row : row + 3])) == 1 for row in range(0, 60, 3))


def test_every_part_gets_its_share_of_every_class() -> None:
    labels = np.repeat(np.arange(4), 25)
    parts = deal([str(row) for row in range(100)], labels, folds=5, seed=1)
    assert np.unique(np.stack([labels, parts]), axis=1, return_counts=True)[1].tolist() == [5] * 20


def test_what_it_says_out_of_fold_is_of_learning_rows_only_each_once(data: TrainingData, fitted: FittedModel) -> None:
    unseen = fitted.unseen
    assert not measured(data)[unseen.places].any()
    assert len(np.unique(unseen.places)) == len(unseen.places) == sum(fitted.rows.values())
    columns = np.array(fitted.model.present_codes)
    assert (columns[unseen.labels] == data.codes[unseen.places]).all()
    np.testing.assert_allclose(unseen.probabilities.sum(axis=1), 1)


def test_thresholds_are_chosen_by_rows_not_learnt_from(fitted: FittedModel) -> None:
    for half, threshold in fitted.thresholds.by_halves.items():
        assert threshold.bound >= 0.97
        assert threshold.rows <= len(fitted.unseen.places)
        assert half in fitted.model.fusion.blends


def test_an_encoder_that_knew_the_training_rows_is_not_trusted_by_what_it_says_of_them(
    data: TrainingData, config: FusionConfig
) -> None:
    """Features that give training rows' codes away, and say nothing of any other row, as if learnt by heart."""
    random = np.random.default_rng(0)
    text = random.normal(size=data.inputs.features["text"].shape).astype(np.float16)
    train = np.flatnonzero(np.array(data.splits) == Split.TRAIN)
    text[train, data.codes[train] // 10] += 20
    by_heart = replace(data, inputs=replace(data.inputs, features={**data.inputs.features, "text": text}))
    believed = fit_model(RECIPES["bert"], by_heart, config)
    doubted = fit_model(RECIPES["bert"], by_heart, config, known_to_encoders=True)
    half = Modality.TEXT_ONLY
    assert believed.out_of_fold[half]["bert"] > doubted.out_of_fold[half]["bert"] + 0.25
    others = measured(data)
    said = [one.model.probabilities(by_heart.inputs)[others].max(axis=1).mean() for one in (believed, doubted)]
    assert said[1] < said[0]
    np.testing.assert_array_equal(np.unique(np.array(data.splits)[doubted.unseen.places]), [Split.VALIDATION])
