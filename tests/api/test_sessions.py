"""On every route: a browser's session acts for our own pages only, and a wrong cookie for nobody."""

from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import update

from core.db.models import UserAccount
from tests.api.conftest import Target
from tests.api.document import Operation, operations
from tests.api.matrix import ANYONE
from tests.api.people import browser
from tests.api.refusals import nothing_done
from tests.api.samples import as_request, body_of
from tests.integration.api.toys import problem

CLOSED = [operation for operation in operations() if operation.role != ANYONE]
CHANGING = [operation for operation in CLOSED if operation.method != "GET"]
PAGE = {"X-Etalon-Page": "1"}
FOREIGN = {
    "no page's header": {},
    "no page's header, though the same origin": {"Sec-Fetch-Site": "same-origin"},
    "another site": {**PAGE, "Sec-Fetch-Site": "cross-site"},
    "another host of the site": {**PAGE, "Sec-Fetch-Site": "same-site"},
    "an address typed in": {**PAGE, "Sec-Fetch-Site": "none"},
    "another origin": {**PAGE, "Origin": "https://elsewhere.example"},
    "no origin": {**PAGE, "Origin": "null"},
}


@pytest.fixture(scope="module")
def signed(target: Target) -> dict[str, str]:
    """An admin's browser."""
    return browser(target.etalon.http, target.admin.username)


def ask(target: Target, operation: Operation, headers: dict[str, str]) -> httpx.Response:
    """Send a good request."""
    request = {} if operation.content_type is None else as_request(operation, body_of(operation, {}))
    return target.etalon.http.request(operation.method, target.path(operation), headers=headers, **request)


def require(answer: httpx.Response, operation: Operation, status: int, code: str) -> None:
    assert (answer.status_code, problem(answer)["code"]) == (status, code)
    assert status in operation.declared


@pytest.mark.parametrize("operation", CHANGING, ids=str)
def test_what_no_page_of_ours_sent_changes_nothing(
    target: Target, signed: dict[str, str], operation: Operation, subtests: pytest.Subtests
) -> None:
    with nothing_done(target.etalon):
        for name, headers in FOREIGN.items():
            with subtests.test(name):
                require(ask(target, operation, {**signed, **headers}), operation, 403, "session.foreign")


@pytest.mark.parametrize("operation", CLOSED, ids=str)
def test_a_cookie_that_is_not_exactly_right_opens_nothing(
    target: Target, signed: dict[str, str], operation: Operation, subtests: pytest.Subtests
) -> None:
    with nothing_done(target.etalon):
        for name, cookie in wrong_cookies(signed["Cookie"]):
            with subtests.test(name):
                require(ask(target, operation, {**PAGE, "Cookie": cookie}), operation, 401, "session.over")


def wrong_cookies(good: str) -> Iterator[tuple[str, str]]:
    """Name and cookie of every one that is nearly right."""
    yield "forged", "etalon_session=" + "A" * 43
    yield "empty", "etalon_session="
    yield "a letter more", f"{good}A"
    yield "a letter less", good[:-1]
    yield "another one besides", f"{good}; etalon_session={'A' * 43}"
    yield "another one before", f"etalon_session={'A' * 43}; {good}"
    yield "twice", f"{good}; {good}"


@pytest.mark.parametrize(
    "change",
    [{"active": False}, {"token_version": 2}, {"active": False, "username": "gone by then"}],
    ids=["closed", "revoked", "deleted"],
)
def test_a_session_ends_with_what_it_stands_for(target: Target, change: dict[str, object]) -> None:
    etalon = target.etalon
    somebody = etalon.hire("admin")
    headers = browser(etalon.http, somebody.username)
    assert etalon.http.get("/predictions", headers=headers).status_code == 200
    with etalon.sessions.begin() as session:
        session.execute(update(UserAccount).where(UserAccount.id == somebody.id).values(**change))
    answer = etalon.http.get("/predictions", headers=headers)
    assert (answer.status_code, problem(answer)["code"]) == (401, "session.over")
