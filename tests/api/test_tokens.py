"""Only a token that this service gave out, to an account that is still there, signs anybody in; and it says who."""

from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import update

from core.db.models import UserAccount
from tests.api.forged_tokens import Forge
from tests.api.people import Caller, bearer
from tests.api.service import Etalon
from tests.integration.api.toys import problem


@pytest.fixture(scope="module")
def forge(etalon: Etalon, customer: Caller) -> Forge:
    return Forge(etalon.sign_in(customer.username), etalon.key)


def require_unknown(answer: httpx.Response) -> None:
    assert answer.status_code == 401, f"{answer.status_code} {answer.text}"
    assert problem(answer)["code"] == "account.unauthenticated"


def test_what_a_forge_leaves_alone_is_accepted(etalon: Etalon, forge: Forge) -> None:
    """Else every forgery would be refused for a reason of the forge's."""
    assert etalon.http.get("/predictions", headers=bearer(forge.changed())).status_code == 200


def test_no_forged_token_signs_in(etalon: Etalon, forge: Forge, subtests: pytest.Subtests) -> None:
    forgeries = dict(forge.all_of_them())
    assert len(forgeries) >= 75
    for name, token in forgeries.items():
        with subtests.test(name):
            require_unknown(etalon.http.get("/predictions", headers=bearer(token)))


def test_a_role_that_the_token_claims_counts_for_nothing(etalon: Etalon, forge: Forge) -> None:
    headers = bearer(forge.changed(role="admin", roles=["admin"], scope="admin", is_admin=True))
    assert etalon.http.get("/predictions", headers=headers).status_code == 200
    refused = etalon.http.get("/review/next", headers=headers)
    assert (refused.status_code, problem(refused)["code"]) == (403, "account.role_too_low")


@pytest.mark.parametrize("write", [
    lambda token: [("Authorization", token)],
    lambda token: [("Authorization", f"Basic {token}")],
    lambda token: [("Authorization", f"Token {token}")],
    lambda token: [("Authorization", f"Bearer{token}")],
    lambda token: [("Authorization", f"Bearer  x{token}")],
    lambda token: [("Authorization", f'Bearer "{token}"')],
    lambda token: [("Authorization", f"Bearer {token}, Bearer {token}")],
    lambda token: [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")],
    lambda token: [("Authorization", "Bearer x"), ("Authorization", f"Bearer {token}")],
    lambda token: [("Authorization", "")],
    lambda token: [("Cookie", f"access_token={token}")],
    lambda token: [("X-Access-Token", token)],
    lambda token: [("Proxy-Authorization", f"Bearer {token}")],
], ids=["bare", "Basic", "Token", "no blank", "a letter more", "quoted", "listed twice", "two headers",
        "a wrong one first", "empty", "cookie", "another header", "the proxy's"])  # fmt: skip
def test_a_token_counts_in_one_place_only(
    etalon: Etalon, customer: Caller, write: Callable[[str], list[tuple[str, str]]]
) -> None:
    token = customer.headers["Authorization"].removeprefix("Bearer ")
    require_unknown(etalon.http.get("/predictions", headers=write(token)))


@pytest.mark.parametrize("name", ["access_token", "token", "bearer"])
def test_a_token_in_the_address_signs_nobody_in(etalon: Etalon, customer: Caller, name: str) -> None:
    token = customer.headers["Authorization"].removeprefix("Bearer ")
    require_unknown(etalon.http.get("/predictions", params={name: token}))
    require_unknown(etalon.http.post("/predict", data={"designation": "x", name: token}))


@pytest.mark.parametrize(
    "change",
    [{"active": False}, {"token_version": 2}, {"active": False, "username": "gone"}],
    ids=["disabled", "revoked", "deleted"],
)
def test_a_token_ends_with_what_it_stands_for(etalon: Etalon, change: dict[str, object]) -> None:
    somebody = etalon.hire("admin")
    assert etalon.http.get("/predictions", headers=somebody.headers).status_code == 200
    with etalon.sessions.begin() as session:
        session.execute(update(UserAccount).where(UserAccount.id == somebody.id).values(**change))
    require_unknown(etalon.http.get("/predictions", headers=somebody.headers))


def test_a_role_is_the_database_s_at_once(etalon: Etalon) -> None:
    somebody = etalon.hire("reviewer")
    assert etalon.http.get("/review/next", headers=somebody.headers).status_code in (200, 204)
    with etalon.sessions.begin() as session:
        session.execute(update(UserAccount).where(UserAccount.id == somebody.id).values(role="customer"))
    assert etalon.http.get("/review/next", headers=somebody.headers).status_code == 403
