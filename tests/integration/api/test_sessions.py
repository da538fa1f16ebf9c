"""Signing in with a browser: the cookie, how long it holds, and what it may not be made to do from elsewhere."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.cookies import Morsel, SimpleCookie
from typing import Any

import pytest
from sqlalchemy import event, update
from sqlalchemy.exc import OperationalError

from api.settings import ServiceSettings
from core.db.models import SignInDoor, UserAccount, WebSession
from core.db.repositories import web_sessions
from core.settings import AuthSettings
from tests.integration.api.toys import PASSWORD, Service, problem

PAGE = {"X-Etalon-Page": "1"}
NEW_PASSWORD = "a quite different violet"


def sign_in(service: Service, username: str = "carla", password: str = PASSWORD, **headers: str) -> Any:
    """The answer to a browser's sign-in; the client itself keeps no cookie."""
    answer = service.http.post("/session", json={"username": username, "password": password}, headers=headers)
    service.http.cookies.clear()
    return answer


def cookie_of(answer: Any) -> Morsel[str]:
    """What an answer lets the browser keep."""
    return SimpleCookie(answer.headers["set-cookie"])["etalon_session"]


def browser(service: Service, username: str = "carla") -> dict[str, str]:
    """The header by which a browser that has signed in is known."""
    return {"Cookie": f"etalon_session={cookie_of(sign_in(service, username)).value}"}


def age(service: Service, **columns: timedelta) -> None:
    """Move moments of every session into the past."""
    with service.app.state.parts.sessions.begin() as session:
        for row in session.query(WebSession):
            for column, by in columns.items():
                setattr(row, column, getattr(row, column) - by)


def is_signed_in(service: Service, headers: dict[str, str]) -> bool:
    answer = service.http.get("/session", headers=headers)
    if answer.status_code == 200:
        return True
    assert answer.status_code == 401
    assert problem(answer)["code"] == "session.over"
    return False


# --- signing in -----------------------------------------------------------------------------------------------------


def test_a_password_buys_a_cookie_that_opens_the_caller_s_routes(service: Service) -> None:
    answer = sign_in(service, "Carla")
    assert answer.status_code == 200
    ends_at = datetime.fromisoformat(answer.json().pop("ends_at"))
    assert abs(ends_at - datetime.now(UTC) - timedelta(hours=1)) < timedelta(minutes=1)
    assert {name: answer.json()[name] for name in ("username", "role")} == {"username": "carla", "role": "customer"}
    headers = {"Cookie": f"etalon_session={cookie_of(answer).value}"}
    assert service.http.get("/predictions", headers=headers).status_code == 200
    assert service.http.get("/session", headers=headers).json()["username"] == "carla"
    assert service.http.get("/review/next", headers=headers).status_code == 403


def test_the_cookie_is_not_for_scripts_nor_for_other_sites_nor_for_ever(service: Service) -> None:
    cookie = cookie_of(sign_in(service))
    assert cookie["httponly"] is True
    assert cookie["samesite"] == "strict"
    assert cookie["path"] == "/"
    assert cookie["secure"] == cookie["domain"] == cookie["max-age"] == cookie["expires"] == ""
    assert len(cookie.value) == 43


def test_a_cookie_given_by_https_is_for_https_only(service: Service) -> None:
    body = {"username": "carla", "password": PASSWORD}
    answer = service.http.post("https://testserver/session", json=body)
    assert cookie_of(answer)["secure"] is True


def test_secure_cookies_may_be_asked_for_behind_a_proxy(
    start: Callable[..., Service], settings: ServiceSettings
) -> None:
    object.__setattr__(settings, "auth", settings.auth.model_copy(update={"secure_cookies": True}))
    assert cookie_of(sign_in(start()))["secure"] is True


def test_every_sign_in_is_a_session_of_its_own(service: Service) -> None:
    first = browser(service)
    again = service.http.post("/session", json={"username": "carla", "password": PASSWORD}, headers=first)
    service.http.cookies.clear()
    assert cookie_of(again).value not in first["Cookie"]
    assert is_signed_in(service, first)


def test_a_secret_that_the_browser_brought_along_is_never_adopted(service: Service) -> None:
    brought = {"Cookie": "etalon_session=" + "x" * 43}
    assert sign_in(service, **brought).status_code == 200
    assert not is_signed_in(service, brought)


def test_no_secret_is_kept(service: Service) -> None:
    secret = cookie_of(sign_in(service)).value
    kept = [str(vars(row)) for row in service.rows(WebSession)]
    assert len(kept) == 1
    assert secret not in kept[0]


@pytest.mark.parametrize(
    "body",
    [
        {"username": "carla", "password": "wrong horse battery"},
        {"username": "nobody", "password": PASSWORD},
        {"username": "carla\x00", "password": PASSWORD},
    ],
)
def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(service: Service, body: dict[str, str]) -> None:
    answer = service.http.post("/session", json=body)
    assert answer.status_code == 401
    assert problem(answer)["detail"] == "The username or the password is wrong."
    assert "set-cookie" not in answer.headers
    assert service.rows(WebSession) == []


def test_guesses_with_a_browser_and_for_a_token_count_at_the_same_doors(service: Service) -> None:
    wrong = {"username": "carla", "password": "wrong horse battery"}
    statuses = [service.http.post("/session", json=wrong).status_code for _ in range(5)]
    statuses += [service.http.post("/token", data=wrong).status_code for _ in range(5)]
    assert statuses == [401] * 10
    closed = sign_in(service)
    assert closed.status_code == 429
    assert problem(closed)["code"] == "account.too_many_attempts"
    assert sign_in(service, "remy").status_code == 200
    assert service.rows(SignInDoor)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
    ],
    ids=str,
)
def test_another_site_cannot_sign_its_visitor_in(service: Service, headers: dict[str, str]) -> None:
    answer = sign_in(service, **headers)
    assert answer.status_code == 403
    assert problem(answer)["code"] == "session.foreign"
    assert service.rows(WebSession) == []


def test_a_form_of_another_site_is_no_sign_in(service: Service) -> None:
    """A browser sends JSON to another host only after asking for leave; a form it sends at once."""
    text = '{"username": "carla", "password": "' + PASSWORD + '"}'
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        answer = service.http.post("/session", content=text, headers={"Content-Type": kind})
        assert answer.status_code == 422
    assert service.rows(WebSession) == []


# --- what a session may not be made to do ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://testserver"},
        {**PAGE, "Sec-Fetch-Site": "cross-site"},
        {**PAGE, "Sec-Fetch-Site": "same-site"},
        {**PAGE, "Sec-Fetch-Site": "none"},
        {**PAGE, "Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
        {**PAGE, "Origin": "https://elsewhere.example"},
        {**PAGE, "Origin": "http://testserver.elsewhere.example"},
        {**PAGE, "Origin": "http://testserver:81"},
        {**PAGE, "Origin": "null"},
        {**PAGE, "Origin": "http://[::1"},
    ],
    ids=str,
)
def test_what_no_page_of_ours_sent_changes_nothing(service: Service, headers: dict[str, str]) -> None:
    signed = browser(service)
    answer = service.http.post("/users/me/keys", json={"name": "theirs"}, headers={**signed, **headers})
    assert answer.status_code == 403
    assert problem(answer)["code"] == "session.foreign"
    assert service.http.get("/users/me/keys", headers=signed).json()["items"] == []


@pytest.mark.parametrize(
    "headers",
    [
        PAGE,
        {**PAGE, "Sec-Fetch-Site": "same-origin"},
        {**PAGE, "Origin": "http://testserver"},
        {**PAGE, "Origin": "http://TESTSERVER"},
        {**PAGE, "Sec-Fetch-Site": "same-origin", "Origin": "https://before-the-proxy.example"},
    ],
    ids=str,
)
def test_what_a_page_of_ours_sent_is_done(service: Service, headers: dict[str, str]) -> None:
    answer = service.http.post("/users/me/keys", json={"name": "mine"}, headers={**browser(service), **headers})
    assert answer.status_code == 201


def test_signing_out_is_not_for_other_sites_either(service: Service) -> None:
    signed = browser(service)
    answer = service.http.delete("/session", headers=signed)
    assert (answer.status_code, problem(answer)["code"]) == (403, "session.foreign")
    assert is_signed_in(service, signed)


def test_a_token_counts_before_a_session(service: Service) -> None:
    both = {**browser(service, "carla"), **service.sign_in("remy")}
    assert service.http.get("/users/me", headers=both).json()["username"] == "remy"
    assert service.http.post("/users/me/keys", json={"name": "a"}, headers=both).status_code == 201
    refused = {**browser(service, "carla"), "Authorization": "Bearer wrong"}
    assert service.http.get("/users/me", headers=refused).status_code == 401


def test_a_token_has_no_session_to_tell_of(service: Service, customer: dict[str, str]) -> None:
    answer = service.http.get("/session", headers=customer)
    assert (answer.status_code, problem(answer)["code"]) == (404, "session.not_found")


@pytest.mark.parametrize("write", [
    lambda own, other: f"etalon_session={'x' * 43}",
    lambda own, other: "etalon_session=",
    lambda own, other: f"etalon_session={own}x",
    lambda own, other: f"etalon_session={own[:-1]}",
    lambda own, other: f"etalon_session={own}; etalon_session={other}",
    lambda own, other: f"etalon_session={own}; etalon_session={own}",
    lambda own, other: f"etalon_session={other}; x=y; etalon_session=gone",
    lambda own, other: f'etalon_session="{own}"',
    lambda own, other: "etalon_session=é",
], ids=["forged", "empty", "longer", "shorter", "two people's", "twice", "one gone", "quoted", "no ASCII"])  # fmt: skip
def test_a_cookie_that_is_not_exactly_ours_is_401(service: Service, write: Callable[[str, str], str]) -> None:
    own, other = (cookie_of(sign_in(service, name)).value for name in ("carla", "ada"))
    assert not is_signed_in(service, {"Cookie": write(own, other).encode("latin-1")})


def test_a_cookie_of_another_name_is_nobody_s(service: Service) -> None:
    value = cookie_of(sign_in(service)).value
    answer = service.http.get("/predictions", headers={"Cookie": f"session={value}; Etalon_Session={value}"})
    assert problem(answer)["code"] == "account.unauthenticated"


# --- its end --------------------------------------------------------------------------------------------------------


def test_signing_out_ends_this_session_and_no_other(service: Service) -> None:
    here, there = browser(service), browser(service)
    answer = service.http.delete("/session", headers={**here, **PAGE})
    assert answer.status_code == 204
    assert (cookie_of(answer).value, cookie_of(answer)["max-age"]) == ("", "0")
    assert not is_signed_in(service, here)
    assert is_signed_in(service, there)
    assert service.http.delete("/session", headers={**here, **PAGE}).status_code == 204
    assert service.http.delete("/session").status_code == 204


def test_signing_out_everywhere_ends_every_session_and_token_but_no_key(service: Service) -> None:
    here, there, token = browser(service), browser(service), service.sign_in("carla")
    key = service.http.post("/users/me/keys", json={"name": "a"}, headers=token).json()["key"]
    strangers = browser(service, "remy")
    assert service.http.delete("/users/me/sessions", headers={**here, **PAGE}).status_code == 204
    assert not is_signed_in(service, here)
    assert not is_signed_in(service, there)
    assert service.http.get("/users/me", headers=token).status_code == 401
    assert service.http.get("/users/me", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    assert is_signed_in(service, strangers)


@pytest.mark.parametrize(
    "end",
    [
        lambda service, admin, path: service.http.patch(path, json={"active": False}, headers=admin),
        lambda service, admin, path: service.http.patch(path, json={"role": "reviewer"}, headers=admin),
        lambda service, admin, path: service.http.patch(path, json={"password": NEW_PASSWORD}, headers=admin),
        lambda service, admin, path: service.http.delete(path, headers=admin),
    ],
    ids=["deactivated", "another role", "another password", "deleted"],
)
def test_a_session_ends_with_what_it_stands_for(
    service: Service, admin: dict[str, str], end: Callable[[Service, dict[str, str], str], Any]
) -> None:
    signed, bystander = browser(service), browser(service, "remy")
    user_id = next(row.id for row in service.rows(UserAccount) if row.username == "carla")
    assert end(service, admin, f"/admin/users/{user_id}").is_success
    assert not is_signed_in(service, signed)
    assert is_signed_in(service, bystander)


def test_a_new_password_ends_the_sessions_that_the_old_one_began(service: Service) -> None:
    here, there = browser(service), browser(service)
    body = {"old_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert service.http.post("/users/me/password", json=body, headers={**here, **PAGE}).status_code == 200
    assert not is_signed_in(service, here)
    assert not is_signed_in(service, there)
    assert sign_in(service, password=NEW_PASSWORD).status_code == 200


def test_an_hour_of_silence_ends_a_session(service: Service) -> None:
    signed = browser(service)
    age(service, last_seen_at=timedelta(minutes=59))
    assert is_signed_in(service, signed)
    age(service, last_seen_at=timedelta(minutes=61))
    assert not is_signed_in(service, signed)


def test_use_prolongs_a_session_up_to_twelve_hours(service: Service) -> None:
    signed = browser(service)
    for _ in range(12):
        assert is_signed_in(service, signed)
        age(service, last_seen_at=timedelta(minutes=59), created_at=timedelta(minutes=59))
    assert is_signed_in(service, signed)
    left = datetime.fromisoformat(service.http.get("/session", headers=signed).json()["ends_at"]) - datetime.now(UTC)
    assert timedelta(minutes=11) < left < timedelta(minutes=13)
    age(service, created_at=timedelta(minutes=13))
    assert not is_signed_in(service, signed)


def test_use_is_written_down_once_a_minute(service: Service) -> None:
    signed = browser(service)
    begun = service.rows(WebSession)[0].last_seen_at
    assert is_signed_in(service, signed)
    assert service.rows(WebSession)[0].last_seen_at == begun
    age(service, last_seen_at=timedelta(seconds=90))
    assert is_signed_in(service, signed)
    assert service.rows(WebSession)[0].last_seen_at >= begun


def test_a_request_is_answered_though_its_use_cannot_be_written_down(service: Service) -> None:
    signed = browser(service)
    age(service, last_seen_at=timedelta(seconds=90))

    def refuse(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.startswith("UPDATE web_session"):
            raise OperationalError(statement, {}, Exception("read only"))

    engine = service.app.state.parts.database
    event.listen(engine, "before_cursor_execute", refuse)
    try:
        assert service.http.get("/predictions", headers=signed).status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", refuse)


def test_sessions_that_ended_are_swept(service: Service) -> None:
    kept = browser(service, "ada")
    with service.app.state.parts.sessions.begin() as session:
        earlier = service.rows(WebSession)[0].created_at - timedelta(hours=13)
        for name, column in (("silent", "last_seen_at"), ("old", "created_at")):
            web_sessions.add(session, secret_sha256=name, account_id=_id(service, "carla"), token_version=1)
            session.execute(update(WebSession).where(WebSession.secret_sha256 == name).values({column: earlier}))
    with service.app.state.parts.sessions.begin() as session:
        assert web_sessions.sweep(session, idle_s=3600, lifetime_s=12 * 3600) == 2
    assert is_signed_in(service, kept)


def _id(service: Service, username: str) -> str:
    return next(row.id for row in service.rows(UserAccount) if row.username == username)


def test_a_session_s_requests_are_counted_with_its_account_s(
    start: Callable[..., Service], settings: ServiceSettings
) -> None:
    auth = AuthSettings(key=settings.auth.key, requests_per_minute=3)
    object.__setattr__(settings, "auth", auth)
    service = start()
    signed, token = browser(service), service.sign_in("carla")
    statuses = [
        service.http.get("/users/me", headers=headers).status_code for headers in (signed, token, signed, signed)
    ]
    assert statuses == [200, 200, 200, 429]
