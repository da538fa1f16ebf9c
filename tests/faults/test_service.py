"""The real service killed under concurrent clients, at the scale of ``make test``."""

from collections.abc import Callable

from tests.faults import service
from tests.faults.campaign import Plan, Progress, Tally

Run = Callable[[Callable[[Plan, Progress], Tally]], Tally]


def test_a_killed_service_keeps_what_it_acknowledged_and_nothing_by_halves(run: Run) -> None:
    tally = run(service.run)
    assert not tally.failed, tally.violations
    assert tally.kills >= 10
    assert tally.rows >= 20
