"""Accuracy from verdicts that are no random sample, and when it is surely below the threshold."""

import numpy as np
import pytest

from core.domain.shares import wilson
from core.domain.watch import Finding
from training.watch.accuracy import Estimate, estimate, finding

ALL = [0] * 10  # no traffic but what was judged


def estimated(value: float, low: float, high: float) -> Estimate:
    return Estimate(200, value, low, high, 1.0)


def test_where_everything_was_judged_it_is_wilsons_interval() -> None:
    right = np.arange(200) < 150
    found = estimate(np.full(200, 0.75), right, ALL)
    assert (found.value, found.covered) == (0.75, 1.0)
    assert (found.low, found.high) == pytest.approx(wilson(150, 200))


def test_bands_count_as_the_traffic_has_them() -> None:
    confidences = np.repeat([0.35, 0.95], [80, 20])  # the queue offers the least certain first
    right = np.concatenate([np.arange(80) < 32, np.ones(20, bool)])
    found = estimate(confidences, right, [0, 0, 0, 100, 0, 0, 0, 0, 0, 900])
    assert found.value == pytest.approx(0.1 * 0.4 + 0.9 * 1.0)
    assert found.low < 0.94 < found.high


def test_what_nobody_judged_may_be_wrong_and_may_be_right() -> None:
    found = estimate(np.full(100, 0.35), np.zeros(100, bool), [0, 0, 0, 100, 0, 0, 0, 0, 0, 300])
    assert (found.value, found.covered, found.low) == (0.0, 0.25, 0.0)
    assert 0.75 < found.high < 0.77


def test_a_verdict_that_stands_for_many_answers_leaves_the_interval_wide() -> None:
    confidences, right = np.repeat([0.35, 0.95], [199, 1]), np.ones(200, bool)
    assert estimate(confidences, right, [0, 0, 0, 199, 0, 0, 0, 0, 0, 2000]).low < 0.3


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([estimated(0.6, 0.53, 0.67), estimated(0.9, 0.8, 0.95)], Finding.ALARM),
        ([estimated(0.8, 0.75, 0.85), estimated(0.5, 0.3, 0.69)], Finding.ALARM),
        ([estimated(0.68, 0.61, 0.74), estimated(0.9, 0.8, 0.95)], Finding.UNSURE),
        ([estimated(0.8, 0.65, 0.85), estimated(0.7, 0.6, 0.8)], Finding.WELL),
    ],
)
def test_only_an_interval_below_the_threshold_alarms_and_only_figures_above_end_it(
    looks: list[Estimate], expected: Finding
) -> None:
    assert finding(looks, 0.7) is expected


def test_at_the_threshold_itself_at_most_one_look_in_twenty_alarms() -> None:
    random = np.random.default_rng(1)
    alarms = 0
    for _ in range(1000):
        confidences = random.beta(4, 2, 200)
        right = random.random(200) < 0.7
        looks = [estimate(confidences[:rows], right[:rows], ALL) for rows in (200, 50)]
        alarms += finding(looks, 0.7) is Finding.ALARM
    assert 5 <= alarms <= 65  # 50 of 1,000, and three standard deviations
