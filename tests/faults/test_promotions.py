"""Promotions raced, killed, poisoned and rolled back under load, at the scale of ``make test``."""

from collections.abc import Callable

from tests.faults import promotions
from tests.faults.campaign import Plan, Progress, Tally

Run = Callable[[Callable[[Plan, Progress], Tally]], Tally]


def test_the_release_moves_one_epoch_at_a_time_and_no_request_fails(run: Run) -> None:
    tally = run(promotions.run)
    assert not tally.failed, [*tally.violations, str(tally.mutants)]
    assert tally.mutants[promotions.MUTANT]
