"""What people do with their own account."""

import threading
import time
from typing import Any

import pytest

from api.accounts import eraser as eraser_module
from core.db.models import ApiKey, Audit, Prediction, UserAccount, Verdict
from core.db.repositories import predictions
from core.domain.roles import Role
from core.retraction import __main__ as command
from tests.integration.api.toys import PASSWORD, Service, problem

ANOTHER = "a quite different phrase"


def register(service: Service, username: str = "nina", password: str = PASSWORD, **more: Any) -> Any:
    return service.http.post("/users", json={"username": username, "password": password, **more})


def token_status(service: Service, username: str, password: str = PASSWORD) -> int:
    return service.http.post("/token", data={"username": username, "password": password}).status_code


def account(service: Service, username: str) -> UserAccount:
    return next(row for row in service.rows(UserAccount) if row.username == username)


def actions(service: Service, subject: str) -> list[str]:
    return [row.action for row in service.rows(Audit) if row.subject == subject]


# --- registering ----------------------------------------------------------------------------------------------------


def test_anyone_registers_as_a_customer_and_signs_in(service: Service) -> None:
    answer = register(service, "Nina")
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert {key: made[key] for key in ("username", "role", "active", "deactivated_by")} == {
        "username": "nina",
        "role": "customer",
        "active": True,
        "deactivated_by": None,
    }
    assert service.http.get("/users/me", headers=service.sign_in("nina")).json() == made
    assert actions(service, f"account/{made['id']}") == ["account.register"]


@pytest.mark.parametrize("role", ["customer", "reviewer", "admin"])
def test_nobody_registers_with_a_role(service: Service, role: str) -> None:
    assert register(service, role=role).status_code == 422
    assert len(service.rows(UserAccount)) == 3


def test_a_name_is_given_once(service: Service) -> None:
    refused = register(service, "carla")
    assert refused.status_code == 409
    assert problem(refused)["code"] == "account.name_taken"
    assert token_status(service, "carla") == 200


@pytest.mark.parametrize("username", ["", "a b", "é", "-x", "x" * 65, "x\x00", "(operator)", "K\u212a", 7, None])
def test_a_name_that_is_none_is_422(service: Service, username: object) -> None:
    assert service.http.post("/users", json={"username": username, "password": PASSWORD}).status_code == 422


@pytest.mark.parametrize(
    "password", ["tiny-one", "password1234", "nina-and-nina", "x" * 1025, "correcthorsebatterystaple"]
)
def test_a_weak_password_is_422_and_not_repeated(service: Service, password: str) -> None:
    refused = register(service, "nina", password)
    assert refused.status_code == 422
    assert password not in refused.text
    problem(refused)
    assert len(service.rows(UserAccount)) == 3


def test_one_address_asks_for_twenty_names_an_hour(service: Service) -> None:
    statuses = [register(service, "carla" if n % 2 else f"nina{n}").status_code for n in range(20)]
    assert set(statuses) == {201, 409}
    refused = register(service, "one.more")
    assert refused.status_code == 429
    problem(refused)
    renamed = service.http.patch("/users/me", json={"username": "one.more"}, headers=service.sign_in("carla"))
    assert renamed.status_code == 429


def test_of_two_who_ask_for_a_name_at_once_one_has_it(service: Service) -> None:
    start, statuses = threading.Barrier(8), []

    def ask() -> None:
        start.wait()
        statuses.append(register(service, "nina").status_code)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201] + [409] * 7


# --- name and password ----------------------------------------------------------------------------------------------


def test_another_name_signs_in_and_the_old_one_is_free(service: Service, customer: dict[str, str]) -> None:
    answer = service.http.patch("/users/me", json={"username": "Carlotta"}, headers=customer)
    assert answer.status_code == 200, answer.text
    assert answer.json()["username"] == "carlotta"
    assert token_status(service, "carla") == 401
    assert token_status(service, "carlotta") == 200
    assert service.http.get("/users/me", headers=customer).json()["username"] == "carlotta"
    assert register(service, "carla").status_code == 201


def test_a_taken_name_is_409_and_changes_nothing(service: Service, customer: dict[str, str]) -> None:
    answer = service.http.patch("/users/me", json={"username": "remy"}, headers=customer)
    assert answer.status_code == 409
    assert problem(answer)["code"] == "account.name_taken"
    assert token_status(service, "carla") == 200


@pytest.mark.parametrize("body", [{}, {"role": "admin"}, {"username": "x", "role": "admin"}, {"active": False}])
def test_nobody_promotes_themselves(service: Service, customer: dict[str, str], body: dict[str, Any]) -> None:
    assert service.http.patch("/users/me", json=body, headers=customer).status_code == 422
    assert account(service, "carla").role == Role.CUSTOMER


def change_password(service: Service, headers: dict[str, str], old: str, new: str) -> Any:
    return service.http.post("/users/me/password", json={"old_password": old, "new_password": new}, headers=headers)


def test_a_new_password_revokes_every_token_and_gives_another(service: Service, customer: dict[str, str]) -> None:
    answer = change_password(service, customer, PASSWORD, ANOTHER)
    assert answer.status_code == 200, answer.text
    fresh = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert service.http.get("/users/me", headers=customer).status_code == 401
    assert service.http.get("/users/me", headers=fresh).status_code == 200
    assert token_status(service, "carla", PASSWORD) == 401
    assert token_status(service, "carla", ANOTHER) == 200


def test_the_old_password_is_asked_for_and_not_for_ever(service: Service, customer: dict[str, str]) -> None:
    refusals = [change_password(service, customer, "a wrong old password", ANOTHER) for _ in range(11)]
    assert [refused.status_code for refused in refusals] == [403] * 10 + [429]
    assert problem(refusals[0])["code"] == "account.wrong_password"
    assert change_password(service, customer, PASSWORD, ANOTHER).status_code == 429


def test_a_weak_new_password_is_422(service: Service, customer: dict[str, str]) -> None:
    refused = change_password(service, customer, PASSWORD, "carla-carla-1")
    assert refused.status_code == 422
    assert problem(refused)["code"] == "account.weak_password"
    assert token_status(service, "carla") == 200


# --- closing and opening --------------------------------------------------------------------------------------------


def reactivate(service: Service, username: str, password: str = PASSWORD) -> Any:
    return service.http.post("/users/reactivate", json={"username": username, "password": password})


def test_a_deactivated_account_sleeps_until_its_owner_opens_it(service: Service, customer: dict[str, str]) -> None:
    key = service.http.post("/users/me/keys", json={"name": "shop"}, headers=customer).json()["key"]
    by_key = {"Authorization": f"Bearer {key}"}
    assert service.http.post("/users/me/deactivate", headers=customer).status_code == 204
    assert token_status(service, "carla") == 401
    assert service.http.get("/users/me", headers=by_key).status_code == 401
    answer = reactivate(service, "Carla")
    assert answer.status_code == 200, answer.text
    fresh = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert service.http.get("/users/me", headers=fresh).json()["active"] is True
    assert service.http.get("/users/me", headers=by_key).status_code == 200
    assert service.http.get("/users/me", headers=customer).status_code == 401
    assert actions(service, f"account/{account(service, 'carla').id}")[-2:] == [
        "account.deactivate",
        "account.reactivate",
    ]


def test_opening_an_open_account_only_signs_in(service: Service, customer: dict[str, str]) -> None:
    assert reactivate(service, "carla").status_code == 200
    assert service.http.get("/users/me", headers=customer).status_code == 200


def test_what_an_admin_closed_its_owner_does_not_open(service: Service, admin: dict[str, str]) -> None:
    path = f"/admin/users/{account(service, 'carla').id}"
    assert service.http.patch(path, json={"active": False}, headers=admin).status_code == 200
    answers = [reactivate(service, "carla"), reactivate(service, "nobody"), reactivate(service, "carla", ANOTHER)]
    assert {answer.status_code for answer in answers} == {401}
    assert len({problem(answer)["detail"] for answer in answers}) == 1
    assert not account(service, "carla").active


def test_the_last_admin_does_not_leave(service: Service, admin: dict[str, str]) -> None:
    for answer in (
        service.http.post("/users/me/deactivate", headers=admin),
        service.http.delete("/users/me", headers=admin),
    ):
        assert answer.status_code == 409
        assert problem(answer)["code"] == "account.last_admin"
    service.hire("ida", Role.ADMIN)
    assert service.http.delete("/users/me", headers=admin).status_code == 204


# --- deleting -------------------------------------------------------------------------------------------------------


def test_a_deleted_account_is_gone_with_what_it_sent(
    service: Service, customer: dict[str, str], reviewer: dict[str, str]
) -> None:
    pending = service.predict(customer, "a first book", description="mine")["id"]
    accepted = service.predict(customer, "a second book", description="mine")["id"]
    service.http.post(f"/predictions/{accepted}/validate", json={"accept": True}, headers=reviewer)
    key = service.http.post("/users/me/keys", json={"name": "shop"}, headers=customer).json()["key"]
    owner_id = account(service, "carla").id
    assert service.http.delete("/users/me", headers=customer).status_code == 204
    assert token_status(service, "carla") == 401
    assert reactivate(service, "carla").status_code == 401
    for headers in (customer, {"Authorization": f"Bearer {key}"}):
        assert service.http.get("/users/me", headers=headers).status_code == 401
    row = next(row for row in service.rows(UserAccount) if row.id == owner_id)
    assert (row.username, row.password_hash, row.active) == (f"(deleted) {owner_id}", "!", False)
    left = service.rows(Prediction)
    assert [(one.id, one.designation, one.description) for one in left] == [(accepted, "", None)]
    assert all(one.revoked_at for one in service.rows(ApiKey))
    assert pending not in str(left)
    assert register(service, "carla").status_code == 201


def test_what_a_deleted_reviewer_decided_stays(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str]
) -> None:
    made = service.predict(customer)["id"]
    service.http.post(f"/predictions/{made}/validate", json={"accept": True}, headers=reviewer)
    person = account(service, "remy").id
    assert service.http.delete("/users/me", headers=reviewer).status_code == 204
    assert [row.reviewer_id for row in service.rows(Verdict)] == [person]
    history = service.http.get(f"/predictions/{made}/history", headers=admin).json()["items"]
    assert history[0]["reviewer"] == f"(deleted) {person}"


def test_much_is_erased_in_the_background(
    service: Service, customer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.retraction.erasure._CHUNK", 2)
    for number in range(5):
        service.predict(customer, f"a book {number}")
    assert service.http.delete("/users/me", headers=customer).status_code == 202
    assert_erased_soon(service)


def test_an_erasure_that_a_crash_interrupted_is_finished_by_whoever_starts_next(
    service: Service, customer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    service.predict(customer)
    eraser = service.app.state.parts.eraser
    with monkeypatch.context() as crash:
        crash.setattr(type(eraser), "erase_now", lambda *_, **__: False)
        assert service.http.delete("/users/me", headers=customer).status_code == 202
    assert len(service.rows(Prediction)) == 1
    assert eraser.finish() == 0
    assert service.rows(Prediction) == []


def test_the_command_goes_on_with_a_deleted_account_by_its_id(
    service: Service, customer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    service.predict(customer)
    owner_id = account(service, "carla").id
    parts = service.app.state.parts
    with monkeypatch.context() as crash:
        crash.setattr(type(parts.eraser), "erase_now", lambda *_, **__: False)
        service.http.delete("/users/me", headers=customer)
    monkeypatch.setenv("DB_URL", parts.settings.database.url.get_secret_value())
    assert command.main(["--customer", owner_id]) == 0
    assert service.rows(Prediction) == []


def assert_erased_soon(service: Service) -> None:
    deadline = time.monotonic() + 20.0
    while service.rows(Prediction):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_product_in_another_s_hands_is_erased_a_little_later(
    service: Service, customer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eraser_module, "_AGAIN_S", 0.05)
    service.predict(customer)
    refused = threading.Event()

    def busy(*_: Any, **__: Any) -> bool:
        refused.set()
        return False

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(predictions, "remove", busy)
        assert service.http.delete("/users/me", headers=customer).status_code == 202
        refused.clear()
        assert refused.wait(20.0), "the thread did not try again"
        assert len(service.rows(Prediction)) == 1
    assert_erased_soon(service)
