"""The real service told to stop under load, at the scale of ``make test``."""

from collections.abc import Callable

from tests.faults import drains
from tests.faults.campaign import Plan, Progress, Tally

Run = Callable[[Callable[[Plan, Progress], Tally]], Tally]


def test_whoever_was_let_in_is_answered_when_the_service_is_told_to_stop(run: Run) -> None:
    tally = run(drains.run)
    assert not tally.failed, (tally.violations, tally.mutants)
    assert tally.faults >= 3
