"""Products that two models answer differently, by which of the two is right."""

import numpy as np

from core.domain.evaluation import Change
from training.changes import changes_between
from training.draws import Answers


def answers(codes: list[int], confidences: list[float]) -> Answers:
    return Answers(np.array(codes), np.array(confidences))


def test_a_changed_product_is_mended_broken_or_still_wrong() -> None:
    truth = np.array([10, 10, 10, 10])
    old = answers([40, 10, 40, 10], [0.9] * 4)
    new = answers([10, 40, 60, 10], [0.8] * 4)
    found = {change: rows.tolist() for change, rows in changes_between(truth, old, new).items()}
    assert found == {Change.MENDED: [0], Change.BROKEN: [1], Change.STILL_WRONG: [2]}


def test_what_the_challenger_is_surest_of_comes_first() -> None:
    truth = np.array([10, 10, 10])
    old, new = answers([40] * 3, [0.5] * 3), answers([10] * 3, [0.6, 0.9, 0.6])
    assert changes_between(truth, old, new)[Change.MENDED].tolist() == [1, 0, 2]


def test_models_that_agree_changed_nothing() -> None:
    same = answers([10, 40], [0.5, 0.6])
    assert all(not len(rows) for rows in changes_between(np.array([10, 10]), same, same).values())
