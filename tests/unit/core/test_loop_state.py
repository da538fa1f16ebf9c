"""When a stage of the loop is well, behind or stuck."""

import pytest

from core.domain import loop_state
from core.domain.loop_state import State, append_patience, worst

HOUR = 3600.0


@pytest.mark.parametrize(("age_h", "state"), [(0, "well"), (24, "well"), (25, "slow"), (72, "slow"), (73, "stuck")])
def test_a_queue_is_judged_by_its_oldest_product(age_h: float, state: str) -> None:
    assert loop_state.REVIEW.judge(age_h * HOUR) == state


def test_labels_are_stuck_when_the_run_that_was_due_has_not_come() -> None:
    patience = append_patience(24 * HOUR)
    assert [patience.judge(hours * HOUR) for hours in (24, 26, 36, 37)] == ["well", "slow", "slow", "stuck"]


def test_a_run_that_is_due_at_once_still_has_time_to_work() -> None:
    assert append_patience(0).judge(0.9 * HOUR) is State.WELL


def test_the_worst_state_is_told() -> None:
    assert worst(State.WELL, State.SLOW, State.STUCK) is State.STUCK
    assert worst(State.ASKS, State.WELL) is State.ASKS
