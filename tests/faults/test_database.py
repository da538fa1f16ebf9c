"""The short run of outages of MariaDB."""

from collections.abc import Callable

import pytest

from tests import mariadb
from tests.faults import database
from tests.faults.campaign import Plan, Progress, Tally


def test_an_outage_of_the_database_loses_nothing_and_ends_by_itself(
    run: Callable[[Callable[[Plan, Progress], Tally]], Tally],
) -> None:
    if mariadb.is_skipped():
        pytest.skip(mariadb.SKIPPED)
    if mariadb.program() is None:
        pytest.fail(mariadb.ADVICE)
    tally = run(database.run)
    assert not tally.violations, "\n".join(tally.violations)
    assert not tally.failed, tally.harm
    assert tally.kills >= 2
    assert tally.faults >= 4
    assert tally.rows >= 100
