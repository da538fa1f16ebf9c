"""Signing in and out in a browser, and what becomes of what somebody was doing when their session ends."""

import secrets

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import delete, update

from core.db.models import ApiKey, UserAccount, WebSession
from tests.api.people import PASSWORD, Caller
from tests.api.service import Etalon
from tests.pages.visits import Visits, settle

STRONG = "violet anchor pendulum"


def expire(shop: Etalon, person: Caller) -> None:
    """End every session of somebody, as an hour of silence does."""
    with shop.sessions.begin() as session:
        session.execute(delete(WebSession).where(WebSession.account_id == person.id))


def keys_of(shop: Etalon, person: Caller) -> list[str]:
    return [key.name for key in shop.rows(ApiKey) if key.account_id == person.id]


def type_in(page: Page, *texts: str) -> None:
    """Type into the field that has the focus, and on into the next ones, then send."""
    for number, text in enumerate(texts):
        if number:
            page.keyboard.press("Tab")
        page.keyboard.type(text)
    page.keyboard.press("Enter")


def sign_in(page: Page, username: str, password: str = PASSWORD) -> None:
    expect(page.locator("#username")).to_be_focused()
    type_in(page, username, password)


# --- in and out -----------------------------------------------------------------------------------------------------


def test_whoever_is_not_signed_in_is_asked_and_comes_to_where_they_wanted(visit: Visits, shop: Etalon) -> None:
    page = visit(None, "/users?role=admin")
    admin = shop.hire("admin")
    assert "/sign-in?next=" in page.url
    sign_in(page, admin.username)
    page.wait_for_url("**/users?role=admin")
    expect(page.locator("h1")).to_have_text("Users")


@pytest.mark.parametrize(
    "there",
    [
        "https://elsewhere.example/",
        "//elsewhere.example/",
        "/\\elsewhere.example/",
        "\\\\elsewhere.example/",
        "/\t/elsewhere.example/",
        "/.//elsewhere.example/account",
        "javascript:alert(1)",
        "data:text/html,x",
    ],
)
def test_a_link_that_leads_elsewhere_ends_at_a_page_of_ours(visit: Visits, shop: Etalon, there: str) -> None:
    """A request to another host, or a script that ran, would fail the visit."""
    customer = shop.hire("customer")
    page = visit(None, "/sign-in")
    page.evaluate("there => location.assign(`/sign-in?${new URLSearchParams({ next: there })}`)", there)
    page.wait_for_url("**next=**")
    settle(page)
    sign_in(page, customer.username)
    page.wait_for_url(lambda url: "/sign-in" not in url)
    assert page.url.startswith(shop.url + "/")


def test_a_wrong_password_is_told_at_the_field_and_can_be_mended(visit: Visits, shop: Etalon) -> None:
    customer = shop.hire("customer")
    page = visit(None, "/sign-in?next=/account")
    sign_in(page, customer.username, "wrong horse battery")
    expect(page.locator("#sign-in-error")).to_have_text("User name or password is not right.")
    expect(page.locator("#password")).to_be_focused()
    type_in(page, PASSWORD)
    page.wait_for_url("**/account")


def test_signing_out_leaves_nothing_behind_that_opens_a_page(visit: Visits, shop: Etalon) -> None:
    page = visit(shop.hire("customer"), "/account")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method))
    page.locator("#sign-out").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in")
    assert asked.count("DELETE") == 1
    assert not [cookie for cookie in page.context.cookies() if cookie["name"] == "etalon_session"]
    page.goto("/account")
    assert "/sign-in?next=" in page.url


def test_scripts_do_not_see_the_session(visit: Visits, shop: Etalon) -> None:
    page = visit(shop.hire("customer"), "/account")
    assert page.evaluate("document.cookie") == ""
    kept = next(cookie for cookie in page.context.cookies() if cookie["name"] == "etalon_session")
    assert (kept["httpOnly"], kept["sameSite"], kept["expires"]) == (True, "Strict", -1)


# --- opening an account ---------------------------------------------------------------------------------------------


def test_somebody_new_opens_an_account_and_is_in(visit: Visits) -> None:
    page = visit(None, "/sign-in?next=/account")
    name = f"new-{secrets.token_hex(4)}"
    page.locator("#new-username").focus()
    type_in(page, name, STRONG)
    page.wait_for_url("**/account")
    expect(page.locator("#who")).to_have_text(name)


@pytest.mark.parametrize(
    ("password", "said"),
    [("short", "At least 12 characters"), ("password password", "too easy to guess")],
)
def test_a_weak_password_is_told_at_its_field(visit: Visits, password: str, said: str) -> None:
    page = visit(None, "/sign-in")
    page.locator("#new-username").focus()
    type_in(page, f"new-{secrets.token_hex(4)}", password)
    expect(page.locator("#new-password-error")).to_contain_text(said)
    expect(page.locator("#new-password")).to_be_focused()
    expect(page.locator("#new-password")).to_have_attribute("aria-invalid", "true")


def test_a_name_that_is_taken_is_told_at_its_field(visit: Visits, shop: Etalon) -> None:
    page = visit(None, "/sign-in", language="fr")
    page.locator("#new-username").focus()
    type_in(page, shop.hire("customer").username, STRONG)
    expect(page.locator("#new-username-error")).not_to_be_empty()
    expect(page.locator("#new-username")).to_be_focused()


def test_whoever_closed_their_account_opens_it_again(visit: Visits, shop: Etalon) -> None:
    customer = shop.hire("customer")
    assert shop.http.post("/users/me/deactivate", headers=customer.headers).status_code == 204
    page = visit(None, "/sign-in?next=/account")
    sign_in(page, customer.username)
    expect(page.locator("#sign-in-error")).not_to_be_empty()
    again = page.get_by_role("button", name="Open my account again")
    again.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/account")


# --- a session that ends in the middle ------------------------------------------------------------------------------


def test_what_was_typed_is_there_after_signing_in_again_and_is_sent_once(visit: Visits, shop: Etalon) -> None:
    person = shop.hire("customer")
    page = visit(person, "/account")
    page.locator("#key-name").focus()
    page.keyboard.type("the shop's server")
    expire(shop, person)
    page.keyboard.press("Enter")
    expect(page.locator("#sign-in-again")).to_be_visible()
    expect(page.locator("#again-password")).to_be_focused()
    assert page.locator("#key-name").input_value() == "the shop's server"
    assert keys_of(shop, person) == []
    type_in(page, "wrong horse battery")
    expect(page.locator("#again-error")).not_to_be_empty()
    page.locator("#again-password").fill("")
    type_in(page, PASSWORD)
    expect(page.locator("#sign-in-again")).to_be_hidden()
    expect(page.locator("#keys tbody th")).to_have_text("the shop's server")
    settle(page)
    assert keys_of(shop, person) == ["the shop's server"]


def test_whoever_does_not_sign_in_again_keeps_what_they_typed(visit: Visits, shop: Etalon) -> None:
    person = shop.hire("customer")
    page = visit(person, "/account")
    page.locator("#key-name").focus()
    page.keyboard.type("later")
    expire(shop, person)
    page.keyboard.press("Enter")
    expect(page.locator("#again-password")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#sign-in-again")).to_be_hidden()
    expect(page.locator("#key-name-error")).to_have_text("Your session has ended. Sign in again.")
    assert page.locator("#key-name").input_value() == "later"
    assert keys_of(shop, person) == []
    page.locator("#key-name").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#again-password")).to_be_focused()
    type_in(page, PASSWORD)
    expect(page.locator("#keys tbody th")).to_have_text("later")
    assert keys_of(shop, person) == ["later"]


def test_a_search_goes_on_where_the_session_ended(visit: Visits, shop: Etalon) -> None:
    admin = shop.hire("admin")
    page = visit(admin, "/users")
    expire(shop, admin)
    page.locator("#text").focus()
    page.keyboard.type(admin.username)
    expect(page.locator("#again-password")).to_be_focused()
    type_in(page, PASSWORD)
    expect(page.locator("#accounts tbody tr")).to_have_count(1)
    assert page.locator("#text").input_value() == admin.username


def test_an_account_that_was_closed_meanwhile_is_told_so_in_the_dialog(visit: Visits, shop: Etalon) -> None:
    person = shop.hire("customer")
    page = visit(person, "/account")
    with shop.sessions.begin() as session:
        session.execute(update(UserAccount).where(UserAccount.id == person.id).values(active=False))
    page.locator("#key-name").focus()
    type_in(page, "too late")
    expect(page.locator("#again-password")).to_be_focused()
    type_in(page, PASSWORD)
    expect(page.locator("#again-error")).to_have_text("User name or password is not right.")
    assert keys_of(shop, person) == []
