"""What a refused request owes: a declared problem that repeats nothing of what was sent, and that nothing was done."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.api.bad_values import MARK
from tests.api.document import Operation
from tests.api.service import Etalon
from tests.integration.api.toys import problem

BAD_INPUT = frozenset({400, 413, 415, 422})
# A name and a password that break a rule are also ones that nobody has.
SIGN_IN = BAD_INPUT | {401}


def require_refused(answer: Any, operation: Operation | None, statuses: frozenset[int] = BAD_INPUT) -> None:
    """Check an answer to bad input.

    Args:
        operation: whose document must declare the status; None: a route there is not.
        statuses: what it may be.
    """
    assert answer.status_code in statuses, f"{answer.status_code} {answer.text[:500]}"
    if operation is not None:
        assert answer.status_code in operation.declared, f"{operation} does not declare {answer.status_code}"
    problem(answer)
    assert MARK not in answer.text


@contextmanager
def nothing_done(etalon: Etalon) -> Iterator[None]:
    """No row of the database and no stored photo is different afterwards."""
    before = etalon.state()
    yield
    assert etalon.state() == before
