"""Every route, by every caller, on one's own things, on another's and on none: what the document declares is true."""

from typing import Any

import pytest

from tests.api import matrix
from tests.api.document import Operation, load, operations
from tests.api.matrix import ANYONE, Scene
from tests.api.people import ROLES, Caller, browser
from tests.api.service import Etalon
from tests.integration.api.toys import problem

CASES = [
    pytest.param(operation, caller, whose, id=f"{operation} by {caller} on {whose or 'nothing'}")
    for operation in operations()
    for caller, whose in matrix.cases(operation)
]


def test_the_document_is_the_running_service_s_own(etalon: Etalon) -> None:
    assert etalon.http.get("/openapi.json").json() == load()


@pytest.mark.parametrize("operation", operations(), ids=str)
def test_every_route_says_who_may_call_it(operation: Operation) -> None:
    assert operation.spec.get("x-role") in (ANYONE, *ROLES)
    parameter = matrix.parameter_of(operation)
    assert parameter is None or parameter in matrix.THINGS or parameter in matrix.COMMON


@pytest.mark.parametrize(("operation", "caller", "whose"), CASES)
def test_a_caller_gets_what_the_route_declares(
    etalon: Etalon, operation: Operation, caller: str, whose: str | None
) -> None:
    answer = matrix.send(operation, _cast(etalon, caller), whose)
    wanted, code = matrix.expected(operation, caller, whose), _code(answer)
    assert wanted.holds(answer.status_code, code), f"wanted {wanted}, got {answer.status_code} {answer.text}"
    assert code not in {"request.invalid", "request.malformed"}, f"the sample is not a valid request: {answer.text}"
    assert answer.status_code in operation.declared
    assert answer.status_code < 500


def _cast(etalon: Etalon, caller: str) -> Scene:
    other = etalon.hire("customer")
    me = etalon.hire(matrix.role_of(caller))
    if caller == ANYONE:
        return Scene(etalon, me, other, {})
    return Scene(etalon, me, other, _signed(etalon, caller, me))


def _signed(etalon: Etalon, caller: str, me: Caller) -> dict[str, str]:
    if matrix.is_browser(caller):
        return {**browser(etalon.http, me.username), "X-Etalon-Page": "1"}
    return matrix.make_key(etalon, me)[1] if matrix.is_key(caller) else me.headers


def _code(answer: Any) -> str | None:
    return problem(answer)["code"] if answer.is_error else None
