"""The real service behind a network that loses, doubles and reorders, at the scale of ``make test``."""

from collections.abc import Callable

from tests.faults import duplicated_requests
from tests.faults.campaign import Plan, Progress, Tally

Run = Callable[[Callable[[Plan, Progress], Tally]], Tally]


def test_a_request_counts_once_however_often_it_arrives(run: Run) -> None:
    tally = run(duplicated_requests.run)
    assert not tally.failed, tally.violations
    assert tally.faults >= 30
    assert tally.rows >= 20
