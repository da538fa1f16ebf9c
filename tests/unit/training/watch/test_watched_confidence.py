"""Whether confidence still matches the share of right answers."""

import numpy as np
import pytest

from core.domain.watch import Finding
from training.watch import confidence
from training.watch.confidence import honesty, spiegelhalter


def test_a_model_that_promises_too_much_is_found_whatever_is_judged() -> None:
    random = np.random.default_rng(3)
    confidences = random.beta(2, 2, 200)  # a queue of uncertain ones
    found = honesty(confidences, random.random(200) < confidences - 0.2)
    assert found.gap > 0.1
    assert found.finding(0.01) is Finding.ALARM


def test_what_is_sure_but_small_is_not_worth_an_alarm() -> None:
    random = np.random.default_rng(4)
    confidences = random.uniform(0.9, 1.0, 5000)
    found = honesty(confidences, random.random(5000) < confidences - 0.015)
    assert found.chance <= 0.01
    assert found.finding(0.01) is Finding.WELL


def test_spiegelhalters_statistic_is_the_published_one() -> None:
    said, right = np.array([0.9, 0.8, 0.3]), np.array([[True, False, True]])
    top = ((right[0] - said) * (1 - 2 * said)).sum()
    assert spiegelhalter(said, right)[0] == pytest.approx(
        -top / np.sqrt(((1 - 2 * said) ** 2 * said * (1 - said)).sum())
    )


def test_spiegelhalters_statistic_knows_nothing_of_confidences_of_a_half() -> None:
    found = honesty(np.full(50, 0.5), np.ones(50, bool))
    assert (found.z, found.error) == (0.0, 0.5)


def test_an_honest_model_alarms_as_seldom_as_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confidence, "DRAWS", 199)
    random = np.random.default_rng(5)
    alarms = 0
    for _ in range(300):
        said = random.beta(4, 1.3, 100)
        alarms += honesty(said, random.random(100) < said).chance <= 0.05
    assert alarms <= 27  # 15 of 300, and three standard deviations
