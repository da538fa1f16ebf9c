"""The short histories of concurrent reviewers, and the two flawed versions that they must notice."""

from collections.abc import Callable

import pytest

from tests import mariadb
from tests.faults import reviewers
from tests.faults.campaign import Plan, Progress, Tally


@pytest.fixture(autouse=True)
def _needs_mariadb() -> None:
    if mariadb.is_skipped():
        pytest.skip(mariadb.SKIPPED)
    if mariadb.program() is None:
        pytest.fail(mariadb.ADVICE)


def test_of_reviewers_who_decide_at_once_one_wins_each_version_and_flawed_versions_are_noticed(
    run: Callable[[Callable[[Plan, Progress], Tally]], Tally],
) -> None:
    tally = run(reviewers.run)
    assert not tally.violations, "\n".join(tally.violations)
    assert not tally.failed, (tally.harm, tally.mutants)
    assert tally.histories >= 60
    assert {"validate", "modify", "reject", "undo", "correct", "retract", "bulk"} <= tally.actions.keys()
    assert tally.mutants.keys() == {"check_then_act", "sequence_cursor"}
