"""An honest model is recognised as one, and what chance does to it is known."""

import numpy as np
import pytest

from training.calibration import reliability


def confidences(rows: int) -> np.ndarray:
    return np.random.default_rng(2).uniform(0.3, 1.0, rows)


def test_an_honest_model_has_an_error_that_chance_explains() -> None:
    said = confidences(666)
    found = reliability(said, np.random.default_rng(5).random(666) < said)
    assert 0.01 < found.honest_error < found.honest_error_high < 0.08
    assert found.is_honest


def test_a_boaster_is_outside_of_what_chance_explains() -> None:
    said = confidences(666)
    found = reliability(said, np.random.default_rng(5).random(666) < said - 0.2)
    assert not found.is_honest
    used = found.rows > 20
    assert (found.found[used] < found.low[used]).mean() > 0.5


def test_more_rows_leave_chance_less_to_explain() -> None:
    few, many = confidences(200), confidences(5000)
    right = np.ones(5000, bool)
    assert reliability(many, right).honest_error < reliability(few, right[:200]).honest_error / 2


def test_bins_without_rows_say_nothing() -> None:
    found = reliability(np.full(10, 0.99), np.ones(10, bool))
    assert found.rows.sum() == found.rows[-1] == 10
    assert found.said[-1] == pytest.approx(0.99)
    assert np.isnan(found.found[:-1]).all()
