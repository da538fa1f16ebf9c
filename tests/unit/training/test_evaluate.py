"""Scores against values worked out by hand, and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from core.domain.product import Modality
from training.evaluate import Evaluation, calibration_error, evaluate, weighted_f1

CODES = (10, 20, 30, 40)


def drawn(rows: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = random.choice(CODES[:3], rows)
    probabilities = random.dirichlet(np.ones(4), rows)
    probabilities[np.arange(rows), np.searchsorted(CODES, truth)] += 0.4
    return truth, probabilities / probabilities.sum(axis=1, keepdims=True)


def scored(truth: np.ndarray, probabilities: np.ndarray, **changes: object) -> Evaluation:
    halves = {"has_text": np.ones(len(truth), bool), "has_image": np.ones(len(truth), bool)}
    return evaluate(truth, probabilities, CODES, draws=50, **halves | changes)


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


def test_the_interval_holds_the_score_and_shrinks_with_more_rows() -> None:
    few, many = scored(*drawn(100)), scored(*drawn(2000))
    for found in (few, many):
        assert found.weighted_f1_interval[0] < found.weighted_f1 < found.weighted_f1_interval[1]
        assert found.classes[20].low <= found.classes[20].f1 <= found.classes[20].high
    assert np.ptp(many.weighted_f1_interval) < np.ptp(few.weighted_f1_interval) / 2


def test_copies_of_one_product_widen_the_interval() -> None:
    truth, probabilities = drawn(50)
    truth, probabilities = np.tile(truth, 10), np.tile(probabilities, (10, 1))
    names = [str(row % 50) for row in range(500)]
    apart, together = scored(truth, probabilities), scored(truth, probabilities, clusters=names)
    assert np.ptp(together.weighted_f1_interval) > 2 * np.ptp(apart.weighted_f1_interval)


def test_brier_and_surprise_of_certainty_are_nothing_when_right_and_much_when_wrong() -> None:
    right, wrong = scored(np.array([10, 20]), np.eye(4)[[0, 1]]), scored(np.array([10, 20]), np.eye(4)[[1, 0]])
    assert (right.brier, right.surprise) == (0, pytest.approx(0))
    assert wrong.brier == 2
    assert wrong.surprise > 10


def test_what_one_half_alone_would_answer_is_scored_on_the_rows_that_have_it() -> None:
    truth, both = np.array([10, 20, 30]), np.eye(4)[[0, 1, 2]]
    found = scored(
        truth,
        both,
        has_image=np.array([True, True, False]),
        alone={Modality.TEXT_ONLY: np.eye(4)[[0, 0, 0]], Modality.IMAGE_ONLY: np.eye(4)[[0, 1, 1]]},
    )
    assert (found.weighted_f1, found.alone[Modality.IMAGE_ONLY].weighted_f1) == (1, 1)
    assert found.alone[Modality.IMAGE_ONLY].rows == 2
    assert found.metrics()["weighted_f1.from-text-only"] < 0.5


def test_languages_are_slices_when_enough_rows_speak_them() -> None:
    texts = ["les livres de la maison"] * 25 + ["the books of the house"] * 25 + ["USB"] * 3
    truth = np.full(53, 10)
    found = scored(truth, np.eye(4)[[0] * 25 + [1] * 28], texts=texts)
    assert {name: (it.rows, it.weighted_f1) for name, it in found.languages.items()} == {"fr": (25, 1), "en": (25, 0)}


def test_a_model_is_told_how_much_of_it_may_stand() -> None:
    truth, probabilities = np.array([10, 10]), np.array([[0.9, 0.1, 0, 0], [0.4, 0.6, 0, 0]])
    found = scored(truth, probabilities, thresholds=np.array([0.8, 0.8])).metrics()
    assert (found["answered_share"], found["answered_precision"]) == (0.5, 1.0)
    assert "answered_share" not in scored(truth, probabilities).metrics()


def test_draws_without_a_row_of_a_class_say_nothing_about_it() -> None:
    truth = np.array([10] * 40 + [20])
    found = scored(truth, np.eye(4)[np.searchsorted(CODES, truth)])
    assert (found.classes[20].low, found.classes[20].high) == (1, 1)  # a third of the draws leave its only row out
    assert (found.classes[30].low, found.classes[30].high) == (0, 0)
