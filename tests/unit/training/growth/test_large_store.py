"""A store that counts as large: heads learn once, the fusion learns from validation rows, weights are taken over."""

from dataclasses import replace

import numpy as np
import pytest

from core.domain.splits import Split
from inference.fusion_model import FusionModel
from training.config import FusionConfig
from training.experts import ABSENT_LOGIT
from training.family import RECIPES
from training.fit import FittedModel, fit_model
from training.growth.experts import Start
from training.learning_rows import LearningRows, TrainingData

FUSION = RECIPES["fusion"]
SHAS = {"text": "a", "image": "b", "appearance": "c"}


@pytest.fixture(scope="module")
def large(config: FusionConfig) -> FusionConfig:
    """Every store is large."""
    return replace(config, growth=replace(config.growth, train_rows=1, validation_rows=1, patience=3))


@pytest.fixture(scope="module")
def grown(data: TrainingData, large: FusionConfig) -> FittedModel:
    return fit_model(FUSION, data, large)


def unseen_share(data: TrainingData, model: FusionModel) -> float:
    hidden = np.isin(np.array(data.splits), [Split.HOLDOUT, Split.FRESH])
    answered = np.array(model.codes)[model.probabilities(data.inputs).argmax(axis=1)]
    return float((answered == data.codes)[hidden].mean())


def test_a_large_store_is_learnt_as_well_as_by_folds(data: TrainingData, grown: FittedModel) -> None:
    assert set(grown.model.heads) == set(FUSION.experts)
    assert unseen_share(data, grown.model) > 0.9
    np.testing.assert_allclose(grown.model.probabilities(data.inputs).sum(axis=1), 1)


def test_a_store_is_large_when_it_has_many_rows_and_enough_to_judge_by(config: FusionConfig) -> None:
    growth = replace(config.growth, train_rows=2, validation_rows=2)
    assert growth.is_large(["train"] * 3 + ["validation"] * 2)
    assert not growth.is_large(["train"] * 3 + ["validation"])
    assert not growth.is_large(["train"] * 2 + ["validation"] * 2)


def test_the_fusion_of_a_large_store_sees_validation_rows_only(data: TrainingData, large: FusionConfig) -> None:
    rows = LearningRows.choose(data, folds=0, seed=1)
    assert set(rows.parts[rows.train]) == {-1}
    assert set(rows.parts[~rows.train]) == {0, 1}
    only = rows.only(np.flatnonzero(~rows.train))
    assert not only.train.any()


def test_the_same_start_gives_the_same_arrays(data: TrainingData, large: FusionConfig, grown: FittedModel) -> None:
    start = Start(grown.model, SHAS, SHAS)
    one, other = (fit_model(FUSION, data, large, start=start).model.to_arrays() for _ in range(2))
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_from_known_weights_a_model_stays_as_good(data: TrainingData, large: FusionConfig, grown: FittedModel) -> None:
    warm = fit_model(FUSION, data, large, start=Start(grown.model, SHAS, SHAS))
    assert unseen_share(data, warm.model) > 0.9


def test_a_class_that_the_start_never_saw_is_learnt(data: TrainingData, large: FusionConfig) -> None:
    before = fit_model(FUSION, replace(data, codes=np.where(data.codes == 40, 99, data.codes)), large)
    assert 40 not in before.model.present_codes
    warm = fit_model(FUSION, data, large, start=Start(before.model, SHAS, SHAS))
    assert 40 in warm.model.present_codes
    assert unseen_share(data, warm.model) > 0.9


def test_weights_over_another_encoders_features_are_not_taken_over(grown: FittedModel) -> None:
    start = Start(grown.model, SHAS, {**SHAS, "image": "z"})
    present = grown.model.present
    assert start.head("resnet50", present) is None
    assert start.head("lexical", present) is None
    same = start.head("bert", present)
    assert np.array_equal(same.weight, grown.model.heads["bert"].weight)
    assert (same.bias > ABSENT_LOGIT / 2).all()
