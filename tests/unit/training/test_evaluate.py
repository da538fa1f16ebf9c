"""Scores against values worked out by hand, and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from core.domain.product import Modality
from training.evaluate import calibration_error, evaluate, weighted_f1

CODES = (10, 20, 30, 40)


def drawn(rows: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = random.choice(CODES[:3], rows)
    probabilities = random.dirichlet(np.ones(4), rows)
    probabilities[np.arange(rows), np.searchsorted(CODES, truth)] += 0.4
    return truth, probabilities / probabilities.sum(axis=1, keepdims=True)


def scored(truth: np.ndarray, probabilities: np.ndarray, **changes: np.ndarray) -> object:
    halves = {"has_text": np.ones(len(truth), bool), "has_image": np.ones(len(truth), bool)}
    return evaluate(truth, probabilities, CODES, **halves | changes)


def test_scores_are_those_of_scikit_learn() -> None:
    truth, probabilities = drawn(300)
    answered = np.array(CODES)[probabilities.argmax(axis=1)]
    found = scored(truth, probabilities)
    assert found.weighted_f1 == pytest.approx(f1_score(truth, answered, average="weighted"))
    assert found.macro_f1 == pytest.approx(f1_score(truth, answered, average="macro", labels=CODES[:3]))
    assert found.accuracy == pytest.approx(accuracy_score(truth, answered))
    assert found.classes[20].f1 == pytest.approx(f1_score(truth, answered, labels=[20], average="macro"))
    assert found.classes[20].support == (truth == 20).sum()


def test_a_class_without_rows_weighs_nothing() -> None:
    truth, probabilities = drawn(300)
    assert scored(truth, probabilities).classes[40].support == 0


def test_a_code_the_model_does_not_know_counts_as_wrong() -> None:
    found = scored(np.array([10, 55]), np.array([[1.0, 0, 0, 0], [1.0, 0, 0, 0]]))
    assert found.accuracy == 0.5
    assert found.classes[55].f1 == 0
    assert found.confusion.sum() == 2


def test_slices_are_told_apart_by_the_halves_of_a_product() -> None:
    truth = np.array([10, 10, 20, 20])
    probabilities = np.eye(4)[[0, 1, 1, 1]]
    has_text, has_image = np.array([True, True, True, False]), np.array([True, False, True, True])
    found = scored(truth, probabilities, has_text=has_text, has_image=has_image)
    assert {half: (it.rows, it.weighted_f1) for half, it in found.slices.items()} == {
        Modality.TEXT_AND_IMAGE: (2, 1.0),
        Modality.TEXT_ONLY: (1, 0.0),
        Modality.IMAGE_ONLY: (1, 1.0),
    }
    assert found.metrics()["weighted_f1.text-only"] == 0


def test_confidence_that_is_right_as_often_as_it_says_has_no_calibration_error() -> None:
    assert calibration_error(np.full(10, 0.8), np.arange(10) < 8) == pytest.approx(0)
    assert calibration_error(np.full(10, 0.8), np.arange(10) < 3) == pytest.approx(0.5)
    assert calibration_error(np.ones(4), np.ones(4, bool)) == 0


def test_weighted_f1_of_nothing_is_zero() -> None:
    nothing = np.zeros(0, np.intp)
    assert weighted_f1(nothing, nothing) == 0


def test_an_evaluation_needs_rows() -> None:
    with pytest.raises(ValueError, match="row"):
        scored(np.zeros(0, np.int64), np.zeros((0, 4)))
