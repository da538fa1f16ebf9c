"""POST /token, and what other routes make of a token."""

import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from sqlalchemy import delete, update

from api.accounts.signing_keys import KeyRing
from api.settings import ServiceSettings
from core.db.models import Audit, SignInDoor, UserAccount
from core.settings import AuthSettings
from tests.integration.api.toys import PASSWORD, Service, problem, statements_of_requests
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


REFUSED = {
    "unknown": "nobody",
    "no name at all": "' OR 1=1 --",
    "wrong password": "carla",
    "deactivated": "remy",
    "deactivated, right password": "remy",
}


@pytest.mark.parametrize("path", ["/token", "/users/reactivate"])
def test_every_refusal_costs_the_same(service: Service, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """One hash, and the same questions to the database: neither answer nor time tells who has an account."""
    parts = service.app.state.parts
    with parts.sessions.begin() as session:
        change = update(UserAccount).where(UserAccount.username == "remy")
        session.execute(change.values(active=False, deactivated_by="admin"))
    told, costs = set(), {}
    for kind, username in REFUSED.items():
        with parts.sessions.begin() as session:
            session.execute(delete(SignInDoor))
        password = PASSWORD if kind.endswith("right password") else "wrong horse battery"
        with counted_costs(service, monkeypatch) as cost:
            answer = sign_in_at(service, path, username, password)
        assert answer.status_code == 401
        told.add((answer.json()["detail"], answer.json()["code"]))
        costs[kind] = (cost["hashes"], cost["reads"], cost["writes"])
    assert len(told) == 1
    assert costs.pop("no name at all")[0] == 1  # not worth a question: nobody can have it
    if path == "/users/reactivate":
        del costs["deactivated, right password"]  # tries to open it; whoever knows the password knows the account
    assert len(set(costs.values())) == 1
    hashes, reads, _ = next(iter(costs.values()))
    assert (hashes, reads > 0) == (1, True)


def sign_in_at(service: Service, path: str, username: str, password: str) -> Any:
    body = {"username": username, "password": password}
    return service.http.post(path, data=body) if path == "/token" else service.http.post(path, json=body)


@contextmanager
def counted_costs(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    cost: Counter[str] = Counter()
    passwords = service.app.state.parts.accounts.passwords
    verify = passwords._hasher.verify

    def counted_verify(*arguments: str) -> bool:
        cost["hashes"] += 1
        return verify(*arguments)

    with monkeypatch.context() as counting, statements_of_requests(service) as statements:
        counting.setattr(passwords, "_hasher", SimpleNamespace(verify=counted_verify))
        yield cost
    reads = sum(statement.lstrip().upper().startswith("SELECT") for statement in statements)
    cost.update(reads=reads, writes=len(statements) - reads)


def test_a_new_signing_key_takes_over_without_a_restart(
    settings: ServiceSettings, tmp_path: Path, start: Callable[..., Service]
) -> None:
    file = tmp_path / "auth.key"
    file.write_text(settings.auth.key.get_secret_value(), encoding="utf-8")
    object.__setattr__(settings, "auth", AuthSettings(key=settings.auth.key, key_file=file))
    service = start()
    old = service.sign_in("carla")
    file.write_text(f"{secrets.token_hex(32)}\n{settings.auth.key.get_secret_value()}\n", encoding="utf-8")
    time.sleep(1.05)
    new = service.sign_in("carla")
    assert jwt.get_unverified_header(new["Authorization"][7:]) != jwt.get_unverified_header(old["Authorization"][7:])
    assert [service.http.get("/users/me", headers=headers).status_code for headers in (old, new)] == [200, 200]
    file.write_text(file.read_text(encoding="utf-8").splitlines()[0], encoding="utf-8")
    time.sleep(1.05)
    assert [service.http.get("/users/me", headers=headers).status_code for headers in (old, new)] == [401, 200]


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
