"""POST /token, and what other routes make of a token."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from sqlalchemy import update

from api.accounts.signing_keys import KeyRing
from core.db.models import Audit, UserAccount
from core.settings import AuthSettings
from tests.integration.api.toys import PASSWORD, Service, problem
from tests.integration.conftest import same_on_any_database

pytestmark = same_on_any_database  # a token is judged by one read of an account

KEYS = KeyRing(AuthSettings(key="0123456789abcdefghijklmnopqrstuv-KEY"))


def signed(
    key: bytes | None = KEYS.signing().secret,
    algorithm: str = "HS256",
    kid: str | None = KEYS.signing().id,
    **changes: Any,
) -> dict[str, str]:
    """A header with a token whose claims are right but for ``changes``; None removes a claim."""
    now = datetime.now(UTC)
    claims = {
        "sub": "somebody",
        "ver": 1,
        "jti": "1",
        "iat": now,
        "exp": now + timedelta(minutes=5),
        "iss": "etalon",
        "aud": "etalon-api",
        **changes,
    }
    headers = {"kid": kid} if kid else None
    kept = {name: value for name, value in claims.items() if value is not None}
    return {"Authorization": f"Bearer {jwt.encode(kept, key, algorithm=algorithm, headers=headers)}"}


def account_id(service: Service, username: str) -> str:
    return next(row.id for row in service.rows(UserAccount) if row.username == username)


def test_a_password_buys_a_token_that_opens_the_caller_s_routes(service: Service) -> None:
    answer = service.http.post("/token", data={"username": "Carla", "password": PASSWORD, "grant_type": "password"})
    assert answer.status_code == 200
    assert answer.json()["token_type"] == "bearer"
    assert answer.json()["expires_in"] == 15 * 60
    assert answer.headers["cache-control"] == "no-store"
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert service.http.get("/predictions", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "form",
    [
        {"username": "carla", "password": "wrong horse battery"},
        {"username": "nobody", "password": PASSWORD},
        {"username": "carla\x00", "password": PASSWORD},
        {"username": "' OR 1=1 --", "password": PASSWORD},
    ],
)
def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(service: Service, form: dict[str, str]) -> None:
    answer = service.http.post("/token", data=form)
    assert answer.status_code == 401
    assert problem(answer)["detail"] == "The username or the password is wrong."


@pytest.mark.parametrize("form", [{}, {"username": "carla"}, {"password": PASSWORD}, {"username": "", "password": ""}])
def test_an_incomplete_form_is_422_without_an_echo(service: Service, form: dict[str, str]) -> None:
    answer = service.http.post("/token", data=form)
    assert answer.status_code == 422
    assert PASSWORD not in answer.text
    problem(answer)


def test_guessing_is_slowed_down_for_that_name_only(service: Service) -> None:
    guess = {"username": "carla", "password": "wrong horse battery"}
    statuses = [service.http.post("/token", data=guess).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    problem(service.http.post("/token", data={"username": "carla", "password": PASSWORD}))
    assert service.http.post("/token", data={"username": "remy", "password": PASSWORD}).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": None},
        {"jti": None},
        {"aud": None},
        {"iss": None},
        {"exp": None},
        {"ver": None},
        {"iat": None},
        {"iss": "somebody-else"},
        {"aud": "another-service"},
        {"aud": ["etalon-api", "another-service"]},
        {"exp": datetime(2026, 1, 1, tzinfo=UTC)},
        {"ver": True},
        {"ver": "1"},
        {"ver": 2},
        {"sub": 7},
        {"sub": "nobody"},
        {"key": b"x" * 32},
        {"key": KEYS.signing().secret * 2, "algorithm": "HS512"},
        {"kid": None},
        {"kid": "0" * 16},
        {"key": None, "algorithm": "none"},
    ],
    ids=str,
)
def test_a_token_that_is_not_exactly_ours_is_401(service: Service, changes: dict[str, Any]) -> None:
    headers = signed(**{"sub": account_id(service, "carla"), **changes})
    answer = service.http.get("/predictions", headers=headers)
    assert answer.status_code == 401
    problem(answer)


def test_a_token_signed_by_us_with_every_claim_is_accepted(service: Service) -> None:
    """The control of the table above."""
    headers = signed(sub=account_id(service, "carla"))
    assert service.http.get("/predictions", headers=headers).status_code == 200


def test_a_forged_role_claim_opens_nothing(service: Service) -> None:
    made = service.predict(service.sign_in("carla"))
    headers = signed(sub=account_id(service, "carla"), role="admin", scope="admin")
    answer = service.http.post(f"/predictions/{made['id']}/validate", json={"accept": True}, headers=headers)
    assert answer.status_code == 403
    assert problem(answer)["code"] == "account.role_too_low"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer a.b.c", "Basic Y2FybGE6eA==", "bearer \x00", "é"])
def test_a_header_that_holds_no_token_is_401(service: Service, header: str) -> None:
    answer = service.http.get("/predictions", headers={"Authorization": header.encode("latin-1")})
    assert answer.status_code == 401
    problem(answer)


def test_a_token_in_the_query_string_is_401(service: Service, customer: dict[str, str]) -> None:
    token = customer["Authorization"].removeprefix("Bearer ")
    assert service.http.get("/predictions", params={"access_token": token, "token": token}).status_code == 401


def test_two_authorization_headers_are_401(service: Service, customer: dict[str, str]) -> None:
    token = customer["Authorization"]
    answer = service.http.get("/predictions", headers=[("Authorization", token), ("Authorization", token)])
    assert answer.status_code == 401


@pytest.mark.parametrize("change", [{"active": False}, {"token_version": 2}])
def test_a_disabled_account_and_a_revoked_token_are_401_at_once(
    service: Service, customer: dict[str, str], change: dict[str, Any]
) -> None:
    with service.app.state.parts.sessions.begin() as session:
        session.execute(update(UserAccount).where(UserAccount.username == "carla").values(change))
    assert service.http.get("/predictions", headers=customer).status_code == 401


def test_a_disabled_account_cannot_sign_in(service: Service) -> None:
    with service.app.state.parts.sessions.begin() as session:
        session.execute(update(UserAccount).where(UserAccount.username == "carla").values(active=False))
    answer = service.http.post("/token", data={"username": "carla", "password": PASSWORD})
    assert answer.status_code == 401
    assert problem(answer)["detail"] == "The username or the password is wrong."


def create(url: str, password: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "api.accounts", "create", *arguments]
    environment = {"DB_URL": url, "PATH": ""}
    return subprocess.run(command, input=password, env=environment, capture_output=True, text=True, check=False)


def test_the_command_makes_an_account_once(service: Service, tmp_path: Path) -> None:
    url = service.app.state.parts.settings.database.url.get_secret_value()
    first = create(url, PASSWORD + "\n", "--username", "nina", "--role", "reviewer")
    again = create(url, PASSWORD, "--username", "nina", "--role", "reviewer")
    assert first.returncode == 0, first.stderr
    assert '"changed": true' in first.stdout
    assert '"changed": false' in again.stdout
    assert PASSWORD not in first.stdout + first.stderr
    assert service.sign_in("nina")
    assert [row.action for row in service.rows(Audit)].count("account.create") == 4


@pytest.mark.parametrize(
    ("username", "password"),
    [("nina", "short"), ("nina", "a" * 20), ("nina", "nina-nina-nina-1"), ("No Body", PASSWORD)],
)
def test_the_command_refuses_bad_names_and_weak_passwords(service: Service, username: str, password: str) -> None:
    url = service.app.state.parts.settings.database.url.get_secret_value()
    refused = create(url, password, "--username", username, "--role", "admin")
    assert refused.returncode == 1
    assert "python -m api.accounts:" in refused.stderr
    assert len(service.rows(UserAccount)) == 3
