"""API keys: a shop's server signs in without a password."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from api.settings import ServiceSettings
from core.db.models import ApiKey, Audit, Prediction, UserAccount
from core.domain.roles import Role
from core.settings import AuthSettings
from tests.integration.api.toys import PASSWORD, Service, problem


def make(service: Service, headers: dict[str, str], name: str = "shop") -> dict[str, Any]:
    answer = service.http.post("/users/me/keys", json={"name": name}, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def by(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def status(service: Service, headers: dict[str, str], path: str = "/users/me") -> int:
    return service.http.get(path, headers=headers).status_code


def test_a_key_is_shown_once_and_kept_as_a_hash(service: Service, customer: dict[str, str]) -> None:
    made = make(service, customer, "caisse n°1 <b>")
    key = made["key"]
    assert key.startswith("etalon_")
    assert len(key) == len("etalon_") + 43
    assert key.startswith(made["hint"])
    listed = service.http.get("/users/me/keys", headers=customer)
    assert key not in listed.text
    assert listed.json()["items"] == [{name: value for name, value in made.items() if name != "key"}]
    row = service.rows(ApiKey)[0]
    assert row.secret_sha256 == hashlib.sha256(key.encode()).hexdigest()
    assert key not in str(vars(row))
    assert [row.action for row in service.rows(Audit)][-1] == "key.create"


def test_a_key_acts_for_its_account(service: Service, customer: dict[str, str]) -> None:
    key = by(make(service, customer)["key"])
    made = service.predict(key, "a book")
    assert status(service, customer, f"/predictions/{made['id']}") == 200
    assert service.http.get("/users/me", headers=key).json()["username"] == "carla"
    assert service.rows(Prediction)[0].owner_id == service.http.get("/users/me", headers=key).json()["id"]


def test_a_key_has_its_account_s_role_at_this_moment(
    service: Service, customer: dict[str, str], admin: dict[str, str]
) -> None:
    key = by(make(service, customer)["key"])
    assert status(service, key, "/review/next") == 403
    user_id = service.http.get("/users/me", headers=key).json()["id"]
    service.http.patch(f"/admin/users/{user_id}", json={"role": "reviewer"}, headers=admin)
    assert status(service, key, "/review/next") in (200, 204)


def test_a_key_manages_no_account(service: Service, admin: dict[str, str]) -> None:
    key, other = by(make(service, admin)["key"]), service.hire("nina", Role.CUSTOMER)
    password = {"old_password": PASSWORD, "new_password": "a quite different phrase"}
    new = {"username": "paul", "password": PASSWORD, "role": "admin"}
    calls: list[tuple[str, str, dict[str, Any] | None]] = [
        ("GET", "/users/me/keys", None),
        ("POST", "/users/me/keys", {"name": "another"}),
        ("DELETE", f"/users/me/keys/{service.rows(ApiKey)[0].id}", None),
        ("PATCH", "/users/me", {"username": "eve"}),
        ("POST", "/users/me/password", password),
        ("POST", "/users/me/deactivate", None),
        ("DELETE", "/users/me", None),
        ("GET", "/admin/users", None),
        ("POST", "/admin/users", new),
        ("PATCH", f"/admin/users/{other}", {"role": "admin"}),
        ("DELETE", f"/admin/users/{other}", None),
    ]
    for method, path, body in calls:
        answer = service.http.request(method, path, json=body, headers=key)
        assert answer.status_code == 403, (method, path)
        assert problem(answer)["code"] == "account.key_not_allowed"
    assert len(service.rows(UserAccount)) == 4
    assert status(service, key) == 200


def test_a_revoked_key_signs_nobody_in(service: Service, customer: dict[str, str]) -> None:
    made, kept = make(service, customer), make(service, customer, "other")
    path = f"/users/me/keys/{made['id']}"
    assert service.http.delete(path, headers=customer).status_code == 204
    assert status(service, by(made["key"])) == 401
    assert status(service, by(kept["key"])) == 200
    assert [item["id"] for item in service.http.get("/users/me/keys", headers=customer).json()["items"]] == [kept["id"]]
    again = service.http.delete(path, headers=customer)
    assert again.status_code == 404
    assert problem(again)["code"] == "account.key_not_found"


def test_another_s_key_is_not_there(service: Service, customer: dict[str, str], reviewer: dict[str, str]) -> None:
    made = make(service, customer)
    assert service.http.delete(f"/users/me/keys/{made['id']}", headers=reviewer).status_code == 404
    assert status(service, by(made["key"])) == 200


@pytest.mark.parametrize("key", ["etalon_", "etalon_x", "etalon_" + "A" * 43, "etalon_\x7f", "etalon_" + "é" * 43])
def test_what_is_no_key_is_401(service: Service, key: str) -> None:
    answer = service.http.get("/users/me", headers={"Authorization": f"Bearer {key}".encode("latin-1")})
    assert answer.status_code == 401
    problem(answer)


@pytest.mark.parametrize("name", ["", "x" * 65, "a\x00b", None, 7])
def test_a_name_that_cannot_be_kept_is_422(service: Service, customer: dict[str, str], name: object) -> None:
    assert service.http.post("/users/me/keys", json={"name": name}, headers=customer).status_code == 422
    assert service.rows(ApiKey) == []


def test_an_account_has_twenty_keys(service: Service, customer: dict[str, str]) -> None:
    made = [make(service, customer, f"shop {number}") for number in range(20)]
    refused = service.http.post("/users/me/keys", json={"name": "one more"}, headers=customer)
    assert refused.status_code == 409
    assert problem(refused)["code"] == "account.too_many_keys"
    service.http.delete(f"/users/me/keys/{made[0]['id']}", headers=customer)
    make(service, customer, "one more")


def test_the_last_use_is_written_down_once_a_minute(service: Service, customer: dict[str, str]) -> None:
    key = by(make(service, customer)["key"])
    assert service.rows(ApiKey)[0].last_used_at is None
    assert status(service, key) == 200
    first = service.rows(ApiKey)[0].last_used_at
    assert first is not None
    assert status(service, key) == 200
    assert service.rows(ApiKey)[0].last_used_at == first
    long_ago = first - timedelta(seconds=61)
    with service.app.state.parts.sessions.begin() as session:
        session.execute(update(ApiKey).values(last_used_at=long_ago))
    assert status(service, key) == 200
    assert service.rows(ApiKey)[0].last_used_at >= first


def test_a_new_password_leaves_keys_alone_and_says_so(service: Service, customer: dict[str, str]) -> None:
    key = by(make(service, customer)["key"])
    body = {"old_password": PASSWORD, "new_password": "a quite different phrase"}
    assert service.http.post("/users/me/password", json=body, headers=customer).status_code == 200
    assert status(service, key) == 200


@pytest.fixture
def hurried(settings: ServiceSettings) -> None:
    """Six requests a minute."""
    object.__setattr__(settings, "auth", AuthSettings(key=settings.auth.key, requests_per_minute=6))


@pytest.mark.usefixtures("hurried")
def test_each_key_and_each_account_asks_as_often_as_it_may(service: Service, customer: dict[str, str]) -> None:
    keys = [by(make(service, customer, name)["key"]) for name in ("one", "two")]
    for headers, left in ((customer, 4), (keys[0], 6), (keys[1], 6)):
        assert [status(service, headers) for _ in range(left)] == [200] * left
        refused = service.http.get("/users/me", headers=headers)
        assert refused.status_code == 429
        assert problem(refused)["code"] == "account.too_many_requests"
        assert 1 <= int(refused.headers["retry-after"]) <= 10
    assert status(service, service.sign_in("remy")) == 200
