"""Accounts as admins see and change them."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from api.accounts import changes
from api.accounts.changes import Change
from api.accounts.service import Account
from api.errors import Forbidden
from core.db.models import Audit, Prediction, UserAccount
from core.db.repositories import users
from core.domain.roles import Role
from tests.integration.api.toys import PASSWORD, Service, problem

ANOTHER = "a quite different phrase"
NOBODY = "01900000-0000-7000-8000-000000000000"


def get_page(service: Service, admin: dict[str, str], **query: Any) -> dict[str, Any]:
    answer = service.http.get("/admin/users", params=query, headers=admin)
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(page: dict[str, Any]) -> list[str]:
    return [item["username"] for item in page["items"]]


def id_of(service: Service, username: str) -> str:
    return next(row.id for row in service.rows(UserAccount) if row.username == username)


def change(service: Service, headers: dict[str, str], user_id: str, **body: Any) -> Any:
    return service.http.patch(f"/admin/users/{user_id}", json=body, headers=headers)


def delete(service: Service, headers: dict[str, str], user_id: str) -> Any:
    return service.http.delete(f"/admin/users/{user_id}", headers=headers)


def can_sign_in(service: Service, username: str, password: str = PASSWORD) -> bool:
    return service.http.post("/token", data={"username": username, "password": password}).status_code == 200


# --- the list -------------------------------------------------------------------------------------------------------


def test_the_list_says_how_many_there_are_and_who_is_active(service: Service, admin: dict[str, str]) -> None:
    change(service, admin, id_of(service, "carla"), active=False)
    page = get_page(service, admin)
    assert names(page) == ["ada", "carla", "remy"]
    assert (page["total"], page["active"], page["inactive"]) == (3, 2, 1)
    assert names(get_page(service, admin, active=True)) == ["ada", "remy"]
    assert names(get_page(service, admin, active=False)) == ["carla"]
    assert names(get_page(service, admin, role="reviewer")) == ["remy"]
    assert names(get_page(service, admin, text="AR")) == ["carla"]
    assert names(get_page(service, admin, text="%")) == []
    assert get_page(service, admin, text="a", active=True, role="admin")["total"] == 3


def test_the_list_is_read_page_by_page(service: Service, admin: dict[str, str]) -> None:
    for number in range(5):
        service.hire(f"nina{number}")
    seen, cursor = [], None
    while True:
        page = get_page(service, admin, limit=3, **({"cursor": cursor} if cursor else {}))
        seen.append(names(page))
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [["ada", "carla", "nina0"], ["nina1", "nina2", "nina3"], ["nina4", "remy"]]


@pytest.mark.parametrize(
    "query", [{"cursor": "x"}, {"cursor": "////"}, {"cursor": "w6k"}, {"limit": 0}, {"role": "king"}, {"text": ""}]
)
def test_a_wrong_question_is_422(service: Service, admin: dict[str, str], query: dict[str, Any]) -> None:
    answer = service.http.get("/admin/users", params=query, headers=admin)
    assert answer.status_code == 422
    problem(answer)


def test_neither_the_operator_nor_the_deleted_are_listed(service: Service, admin: dict[str, str]) -> None:
    with service.app.state.parts.sessions.begin() as session:
        operator_id = users.operator(session).id
    delete(service, admin, id_of(service, "carla"))
    page = get_page(service, admin)
    assert names(page) == ["ada", "remy"]
    assert page["total"] == 2
    for user_id in (operator_id, next(row.id for row in service.rows(UserAccount) if row.deleted_at)):
        for answer in (change(service, admin, user_id, active=True), delete(service, admin, user_id)):
            assert answer.status_code == 404
            assert problem(answer)["code"] == "account.not_found"


@pytest.mark.parametrize("who", ["carla", "remy"])
def test_only_admins_manage_accounts(service: Service, who: str) -> None:
    headers = service.sign_in(who)
    body = {"username": "nina", "password": PASSWORD, "role": "admin"}
    for answer in (
        service.http.get("/admin/users", headers=headers),
        service.http.post("/admin/users", json=body, headers=headers),
        change(service, headers, id_of(service, who), role="admin"),
        delete(service, headers, id_of(service, "ada")),
    ):
        assert answer.status_code == 403
        assert problem(answer)["code"] == "account.role_too_low"
    assert len(service.rows(UserAccount)) == 3


# --- changes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", list(Role))
def test_an_admin_opens_accounts_of_every_role(service: Service, admin: dict[str, str], role: Role) -> None:
    body = {"username": "nina", "password": PASSWORD, "role": role.value}
    answer = service.http.post("/admin/users", json=body, headers=admin)
    assert answer.status_code == 201, answer.text
    assert answer.json()["role"] == role
    assert can_sign_in(service, "nina")
    again = service.http.post("/admin/users", json=body, headers=admin)
    assert again.status_code == 409
    assert problem(again)["code"] == "account.name_taken"


def test_another_role_holds_from_the_next_request_on(
    service: Service, customer: dict[str, str], admin: dict[str, str]
) -> None:
    assert service.http.get("/review/next", headers=customer).status_code == 403
    answer = change(service, admin, id_of(service, "carla"), role="reviewer")
    assert answer.status_code == 200, answer.text
    assert answer.json()["role"] == "reviewer"
    assert service.http.get("/review/next", headers=customer).status_code in (200, 204)
    assert change(service, admin, id_of(service, "carla"), role="customer").status_code == 200
    assert service.http.get("/review/next", headers=customer).status_code == 403


def test_a_new_password_and_a_new_name(service: Service, customer: dict[str, str], admin: dict[str, str]) -> None:
    answer = change(service, admin, id_of(service, "carla"), username="Carlotta", password=ANOTHER)
    assert answer.status_code == 200, answer.text
    assert service.http.get("/users/me", headers=customer).status_code == 401
    assert can_sign_in(service, "carlotta", ANOTHER)
    assert not can_sign_in(service, "carla")
    assert change(service, admin, id_of(service, "carlotta"), username="remy").status_code == 409
    assert change(service, admin, id_of(service, "carlotta"), password="carlotta-1234").status_code == 422
    kept = [row.detail for row in service.rows(Audit) if row.action == "account.change"]
    assert kept == [{"renamed": True, "new_password": True}]


def test_a_closed_account_is_opened_again_by_an_admin(
    service: Service, customer: dict[str, str], admin: dict[str, str]
) -> None:
    path = id_of(service, "carla")
    assert change(service, admin, path, active=False).json()["deactivated_by"] == "admin"
    assert service.http.get("/users/me", headers=customer).status_code == 401
    assert not can_sign_in(service, "carla")
    opened = change(service, admin, path, active=True).json()
    assert (opened["active"], opened["deactivated_by"]) == (True, None)
    assert can_sign_in(service, "carla")
    assert service.http.get("/users/me", headers=customer).status_code == 401


@pytest.mark.parametrize(
    "body", [{}, {"role": None}, {"role": "king"}, {"active": 1}, {"active": "true"}, {"id": "x"}, {"username": "é"}]
)
def test_a_change_that_is_none_is_422(service: Service, admin: dict[str, str], body: dict[str, Any]) -> None:
    answer = change(service, admin, id_of(service, "carla"), **body)
    assert answer.status_code == 422
    problem(answer)


@pytest.mark.parametrize("user_id", [NOBODY, "x", "%00", "a" * 64])
def test_an_unknown_account_is_404(service: Service, admin: dict[str, str], user_id: str) -> None:
    for answer in (
        change(service, admin, user_id, role="reviewer"),
        change(service, admin, user_id, password=ANOTHER),
        delete(service, admin, user_id),
    ):
        assert answer.status_code == 404
        assert problem(answer)["code"] == "account.not_found"


def test_deleting_takes_the_products_along_and_happens_once(
    service: Service, customer: dict[str, str], admin: dict[str, str]
) -> None:
    service.predict(customer)
    user_id = id_of(service, "carla")
    assert delete(service, admin, user_id).status_code == 204
    assert service.rows(Prediction) == []
    assert not can_sign_in(service, "carla")
    assert service.http.get("/users/me", headers=customer).status_code == 401
    assert delete(service, admin, user_id).status_code == 404


# --- what keeps an admin there --------------------------------------------------------------------------------------


def test_an_admin_changes_neither_their_own_role_nor_their_own_password_here(
    service: Service, admin: dict[str, str]
) -> None:
    service.hire("ida", Role.ADMIN)
    me = id_of(service, "ada")
    codes = {
        "account.own_role": change(service, admin, me, role="reviewer"),
        "account.own_password": change(service, admin, me, password=ANOTHER),
    }
    for code, answer in codes.items():
        assert answer.status_code == 403
        assert problem(answer)["code"] == code
    assert change(service, admin, me, role="admin", username="ada2").status_code == 200
    assert can_sign_in(service, "ada2")


def test_the_last_active_admin_stays(service: Service, admin: dict[str, str]) -> None:
    asleep = service.hire("ida", Role.ADMIN)
    change(service, admin, asleep, active=False)
    me = id_of(service, "ada")
    for answer in (change(service, admin, me, active=False), delete(service, admin, me)):
        assert answer.status_code == 409
        assert problem(answer)["code"] == "account.last_admin"
    change(service, admin, asleep, active=True)
    assert change(service, admin, me, active=False).status_code == 200


@pytest.mark.parametrize("what", [{"active": True}, {"username": "back"}])
def test_who_was_removed_meanwhile_changes_nothing_any_more(service: Service, what: dict[str, Any]) -> None:
    """They were recognised as an admin, and deactivated before their own change began."""
    removed = Account(service.hire("ida", Role.ADMIN), "ida", Role.ADMIN)
    sessions = service.app.state.parts.sessions
    with sessions.begin() as session:
        assert users.deactivate(session, removed.id, by="admin")
    for user_id in (removed.id, id_of(service, "carla")):
        with pytest.raises(Forbidden), sessions.begin() as session:
            changes.change(session, user_id, Change(**what), by=removed)
    with pytest.raises(Forbidden), sessions.begin() as session:
        changes.delete(session, id_of(service, "carla"), by=removed)


Removal = Callable[[Service, dict[str, str], str], Any]
REMOVALS: dict[str, Removal] = {
    "delete": delete,
    "deactivate": lambda service, headers, user_id: change(service, headers, user_id, active=False),
    "demote": lambda service, headers, user_id: change(service, headers, user_id, role="customer"),
}


@pytest.mark.parametrize("how", REMOVALS)
def test_of_admins_who_remove_one_another_at_once_one_is_left(service: Service, how: str) -> None:
    """Each of four, in a ring and at the same moment, removes the next: whoever is removed removes nobody."""
    for turn in range(3):
        before = admins(service)
        people = [f"chief{turn}.{number}" for number in range(4)]
        ids = [service.hire(name, Role.ADMIN) for name in people]
        headers = [service.sign_in(name) for name in people]
        for old in before:
            assert delete(service, headers[0], old).status_code == 204
        ring = list(zip(headers, ids[1:] + ids[:1], strict=True))
        statuses = at_once([partial(REMOVALS[how], service, who, whom) for who, whom in ring])
        assert set(statuses) <= {200, 204, 401, 403, 409}
        assert len(admins(service)) == 4 - sum(status in (200, 204) for status in statuses) >= 1


@pytest.mark.parametrize("how", ["/users/me", "/users/me/deactivate"])
def test_of_admins_who_leave_at_once_one_stays(service: Service, admin: dict[str, str], how: str) -> None:
    for number in range(5):
        service.hire(f"chief{number}", Role.ADMIN)
    people = [admin, *(service.sign_in(f"chief{number}") for number in range(5))]
    method = "DELETE" if how == "/users/me" else "POST"
    statuses = at_once([partial(service.http.request, method, how, headers=who) for who in people])
    assert sorted(statuses) == [204] * 5 + [409]
    assert len(admins(service)) == 1


def admins(service: Service) -> list[str]:
    return [row.id for row in service.rows(UserAccount) if row.role == "admin" and row.active]


def at_once(calls: list[Callable[[], Any]]) -> list[int]:
    start, statuses = threading.Barrier(len(calls)), []

    def run(call: Callable[[], Any]) -> None:
        start.wait()
        statuses.append(call().status_code)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses
