"""A threshold keeps its promise on rows it was not chosen on, and promises nothing where it could not."""

import numpy as np
import pytest

from core.domain.product import Modality
from training.selective import Thresholds, choose_threshold, precision_bound, select, thresholds_of


def answers(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """An honest model: an answer is right as often as its confidence says."""
    random = np.random.default_rng(seed)
    confidences = random.beta(6, 0.5, rows)
    return confidences, random.random(rows) < confidences


def test_the_bound_is_clopper_and_pearsons() -> None:
    assert precision_bound(100, 100) == pytest.approx(0.05 ** (1 / 100))
    assert precision_bound(0, 10) == 0
    assert precision_bound(97, 100) < 0.97 < precision_bound(9_750, 10_000)


def test_the_promise_is_kept_on_new_rows_as_often_as_it_says() -> None:
    broken = 0
    for seed in range(200):
        chosen = choose_threshold(*answers(1500, seed))
        if chosen is not None:
            confidences, right = answers(100_000, 1000 + seed)
            broken += right[confidences >= chosen.confidence].mean() < 0.97
    assert broken <= 16  # 5 % of 200, and what chance adds to it in 98 of 100 such tests


def test_more_rows_let_more_answers_stand() -> None:
    few, many = choose_threshold(*answers(1000, 1)), choose_threshold(*answers(50_000, 1))
    assert few is not None
    assert many is not None
    assert 0.2 < few.coverage < many.coverage
    assert min(few.bound, many.bound) >= 0.97


def test_a_model_that_is_often_wrong_when_sure_gets_no_threshold() -> None:
    confidences, right = answers(2000, 3)
    assert choose_threshold(confidences, right & (np.arange(2000) % 10 > 0)) is None
    assert choose_threshold(np.ones(30), np.ones(30, bool)) is None  # 30 right answers prove little
    assert choose_threshold(np.zeros(0), np.zeros(0, bool)) is None


def test_answers_that_are_equally_sure_stand_or_fall_together() -> None:
    right = np.ones(2000, bool)
    right[1000:] = False
    assert choose_threshold(np.repeat([0.9, 0.5], 1000), right).coverage == 0.5
    assert choose_threshold(np.full(2000, 0.9), right) is None


def test_each_set_of_halves_has_its_own_threshold_in_the_spec() -> None:
    sure, unsure = (np.full(500, 0.95), np.ones(500, bool)), (np.full(500, 0.5), np.zeros(500, bool))
    spec = {"thresholds": Thresholds.choose({Modality.TEXT_ONLY: sure, Modality.IMAGE_ONLY: unsure}).to_spec()}
    assert spec["thresholds"] == {"precision": 0.97, "confidence": 0.95, "by_halves": {"text-only": 0.95}}
    has_text, has_image = np.array([True, False, True]), np.array([False, True, True])
    assert thresholds_of(spec, has_text, has_image).tolist() == [0.95, np.inf, np.inf]
    assert thresholds_of({}, has_text, has_image).tolist() == [np.inf] * 3


def test_applying_a_threshold_counts_what_stands() -> None:
    found = select(np.full(4, 0.8), np.array([0.9, 0.8, 0.7, 0.1]), np.array([True, False, True, True]))
    assert (found.coverage, found.precision, found.rows) == (0.5, 0.5, 4)
    nobody = select(np.full(2, np.inf), np.ones(2), np.ones(2, bool))
    assert (nobody.coverage, nobody.precision, nobody.bound) == (0, None, 0)
