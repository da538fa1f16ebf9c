"""Managing accounts by keyboard alone: an admin everybody's, everybody their own."""

import secrets

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from core.db.models import ApiKey, UserAccount
from tests.api.people import PASSWORD, Caller
from tests.api.service import Etalon
from tests.pages.visits import Visits

STRONG = "violet anchor pendulum"


def account(shop: Etalon, user_id: str) -> UserAccount:
    with shop.readers() as session:
        return session.scalars(select(UserAccount).where(UserAccount.id == user_id)).one()


def find(page: Page, username: str) -> None:
    """Search for one account and see it alone."""
    page.keyboard.press("/")
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.type(username)
    expect(page.locator("#accounts tbody tr")).to_have_count(1)


def press(page: Page, name: str) -> None:
    """Go to a button by Tab, from wherever one is, and press it."""
    button = page.get_by_role("button", name=name, exact=True)
    for _ in range(60):
        page.keyboard.press("Tab")
        if button.evaluate("one => one === document.activeElement"):
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"Tab does not come to {name!r}")


def toast(page: Page) -> str:
    """What the page says last."""
    last = page.locator("#toasts .toast > span").last
    expect(last).to_be_visible()
    return last.inner_text()


# --- the list -------------------------------------------------------------------------------------------------------


def test_the_list_is_searched_while_one_types(visit: Visits, shop: Etalon) -> None:
    admin, sought = shop.hire("admin"), shop.hire("reviewer")
    page = visit(admin, "/users")
    find(page, sought.username[:-2])
    expect(page.locator("#accounts tbody th")).to_have_text(sought.username)
    assert page.url.endswith(f"/users?text={sought.username[:-2]}")
    page.reload()
    expect(page.locator("#accounts tbody tr")).to_have_count(1)


def test_role_and_state_narrow_the_list(visit: Visits, shop: Etalon) -> None:
    admin, closed = shop.hire("admin"), shop.hire("reviewer")
    mark = closed.username[-4:]
    shop.http.patch(f"/admin/users/{closed.id}", json={"active": False}, headers=admin.headers)
    page = visit(admin, f"/users?text={mark}")
    page.locator("#role").focus()
    page.keyboard.press("ArrowDown")  # customers
    expect(page.get_by_text("No account looks like that.")).to_be_visible()
    page.keyboard.press("ArrowDown")  # reviewers
    expect(page.locator("#accounts tbody th")).to_have_text(closed.username)
    page.locator("#state").focus()
    page.keyboard.press("ArrowDown")  # active
    expect(page.get_by_text("No account looks like that.")).to_be_visible()
    page.keyboard.press("ArrowDown")  # inactive
    expect(page.locator("#accounts tbody tr")).to_contain_text("Closed by an administrator")


def test_a_long_list_has_pages(visit: Visits, shop: Etalon) -> None:
    admin, mark = shop.hire("admin"), secrets.token_hex(3)
    with shop.sessions.begin() as session:
        for number in range(60):
            name = f"{mark}-{number:02}"
            session.add(UserAccount(id=name, username=name, password_hash="!", role="customer"))
    page = visit(admin, f"/users?text={mark}")
    expect(page.locator("#accounts tbody tr")).to_have_count(50)
    page.get_by_role("link", name="More accounts").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#accounts tbody tr")).to_have_count(10)
    page.get_by_role("link", name="From the beginning").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#accounts tbody tr")).to_have_count(50)


@pytest.mark.parametrize("role", ["customer", "reviewer"])
def test_the_page_is_for_admins(visit: Visits, shop: Etalon, role: str) -> None:
    page = visit(shop.hire(role), "/users")
    expect(page.locator("h1")).to_have_text("Not for this account")


def test_a_name_is_shown_as_it_is_written(visit: Visits, shop: Etalon) -> None:
    """The API takes no such name; a page must not rest on that."""
    admin, odd = shop.hire("admin"), shop.hire("customer")
    name = f"<img src=x onerror=alert(1)>{odd.username[-4:]}"
    with shop.sessions.begin() as session:
        session.execute(update(UserAccount).where(UserAccount.id == odd.id).values(username=name))
    page = visit(admin, f"/users?text={odd.username[-4:]}")
    expect(page.locator("#accounts tbody th")).to_have_text(name)
    press(page, f"Delete {name}")
    expect(page.locator("#ask-title")).to_contain_text(name)


# --- changing accounts ----------------------------------------------------------------------------------------------


def test_an_admin_adds_a_colleague_who_can_sign_in(visit: Visits, shop: Etalon) -> None:
    page, name = visit(shop.hire("admin"), "/users"), f"nina-{secrets.token_hex(3)}"
    page.keyboard.press("n")
    expect(page.locator("#form-username")).to_be_focused()
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type("Rev")
    page.keyboard.press("Tab")
    page.keyboard.type("short")
    page.keyboard.press("Enter")
    expect(page.locator("#form-password-error")).to_have_text("At least 12 characters, please.")
    expect(page.locator("#form-password")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type(STRONG)
    page.keyboard.press("Enter")
    expect(page.locator("#form")).to_be_hidden()
    assert toast(page) == f"{name} can sign in now."
    answer = shop.http.post("/token", data={"username": name, "password": STRONG})
    assert answer.status_code == 200
    with shop.readers() as session:
        assert session.scalar(select(UserAccount.role).where(UserAccount.username == name)) == "reviewer"


def test_a_name_that_is_taken_is_told_in_the_form(visit: Visits, shop: Etalon) -> None:
    page, taken = visit(shop.hire("admin"), "/users"), shop.hire("customer")
    page.keyboard.press("n")
    for text in (taken.username, "Cust", STRONG):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.locator("#form-password").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#form-username-error")).to_have_text("That user name is taken.")
    expect(page.locator("#form-username")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#form")).to_be_hidden()


def test_another_role_and_password_hold_at_once(visit: Visits, shop: Etalon) -> None:
    page, person = visit(shop.hire("admin"), "/users"), shop.hire("customer")
    find(page, person.username)
    press(page, f"Change {person.username}")
    page.keyboard.press("Tab")
    page.keyboard.type("Rev")
    page.keyboard.press("Tab")
    page.keyboard.type(STRONG)
    page.keyboard.press("Enter")
    expect(page.locator("#accounts tbody td").first).to_have_text("Reviewer")
    expect(page.get_by_role("button", name=f"Change {person.username}", exact=True)).to_be_focused()
    assert account(shop, person.id).role == "reviewer"
    assert shop.http.post("/token", data={"username": person.username, "password": STRONG}).status_code == 200


def test_an_account_is_closed_and_opened_again(visit: Visits, shop: Etalon) -> None:
    page, person = visit(shop.hire("admin"), "/users"), shop.hire("customer")
    find(page, person.username)
    press(page, f"Deactivate {person.username}")
    expect(page.locator("#ask-title")).to_have_text(f"Deactivate {person.username}?")
    page.keyboard.press("Escape")
    assert account(shop, person.id).active
    press(page, f"Deactivate {person.username}")
    page.keyboard.press("Enter")
    again = page.get_by_role("button", name=f"Activate {person.username}", exact=True)
    expect(again).to_be_focused()
    assert not account(shop, person.id).active
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=f"Deactivate {person.username}", exact=True)).to_be_focused()
    assert account(shop, person.id).active


def test_an_account_is_deleted_only_when_one_says_so_twice(visit: Visits, shop: Etalon) -> None:
    page, person = visit(shop.hire("admin"), "/users"), shop.hire("customer")
    find(page, person.username)
    press(page, f"Delete {person.username}")
    expect(page.locator("#ask-body")).to_contain_text("cannot be undone")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No account looks like that.")).to_be_visible()
    expect(page.locator("#text")).to_be_focused()
    assert account(shop, person.id).deleted_at is not None


def test_the_last_admin_is_told_why_they_stay(visit: Visits, shop: Etalon) -> None:
    admin = shop.hire("admin")
    with shop.sessions.begin() as session:
        others = UserAccount.role == "admin", UserAccount.id != admin.id
        session.execute(update(UserAccount).where(*others).values(role="reviewer"))
    page = visit(admin, "/users")
    find(page, admin.username)
    press(page, f"Delete {admin.username}")
    page.keyboard.press("Enter")
    assert toast(page) == "This is the last active administrator: make another one first."
    expect(page.get_by_role("button", name=f"Delete {admin.username}", exact=True)).to_be_focused()
    assert account(shop, admin.id).deleted_at is None


def test_an_account_that_went_meanwhile_is_told_of(visit: Visits, shop: Etalon) -> None:
    admin, person = shop.hire("admin"), shop.hire("customer")
    page = visit(admin, "/users")
    find(page, person.username)
    assert shop.http.delete(f"/admin/users/{person.id}", headers=admin.headers).status_code in (202, 204)
    press(page, f"Deactivate {person.username}")
    page.keyboard.press("Enter")
    assert toast(page) == "There is no such account any more."
    expect(page.get_by_text("No account looks like that.")).to_be_visible()


# --- one's own account ----------------------------------------------------------------------------------------------


def test_a_new_name_is_everywhere_at_once(visit: Visits, shop: Etalon) -> None:
    page, name = visit(shop.hire("customer"), "/account"), f"nina-{secrets.token_hex(3)}"
    page.locator("#name-username").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    expect(page.locator("#who")).to_have_text(name)
    expect(page.locator("#again-username")).to_have_value(name)


def test_a_new_password_takes_the_old_one_and_keeps_one_signed_in(visit: Visits, shop: Etalon) -> None:
    person = shop.hire("customer")
    elsewhere, page = visit(person, "/account"), visit(person, "/account")
    page.locator("#password-old").focus()
    for text in ("wrong horse battery", STRONG):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#password-old-error")).to_have_text("The present password is not right.")
    expect(page.locator("#password-old")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    assert toast(page).startswith("The password is changed.")
    page.reload()
    expect(page.locator("#who")).to_have_text(person.username)
    elsewhere.reload()
    assert "/sign-in" in elsewhere.url


def test_a_key_is_shown_once_works_and_is_revoked(visit: Visits, shop: Etalon) -> None:
    person = shop.hire("customer")
    page = visit(person, "/account")
    page.locator("#key-name").focus()
    page.keyboard.type("server <b>1</b>")
    page.keyboard.press("Enter")
    expect(page.locator("#keys tbody th")).to_have_text("server <b>1</b>")
    secret = page.locator("#secret").input_value()
    signed = {"Authorization": f"Bearer {secret}"}
    assert shop.http.get("/predictions", headers=signed).status_code == 200
    page.reload()
    assert secret not in page.content()
    press(page, "Revoke server <b>1</b>")
    expect(page.locator("#ask-title")).to_have_text("Revoke server <b>1</b>?")
    page.keyboard.press("Enter")
    expect(page.get_by_text("You have no keys.")).to_be_visible()
    assert shop.http.get("/predictions", headers=signed).status_code == 401


def test_signing_out_everywhere_ends_the_other_browser_too(visit: Visits, shop: Etalon) -> None:
    person = shop.hire("customer")
    elsewhere, page = visit(person, "/account"), visit(person, "/account")
    press(page, "Sign out everywhere")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in")
    elsewhere.reload()
    assert "/sign-in" in elsewhere.url


@pytest.mark.parametrize(("name", "left"), [("Deactivate the account", False), ("Delete the account", True)])
def test_somebody_leaves(visit: Visits, shop: Etalon, name: str, left: bool) -> None:
    person = shop.hire("customer")
    page = visit(person, "/account")
    press(page, name)
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in")
    assert not account(shop, person.id).active
    assert (account(shop, person.id).deleted_at is not None) is left


def test_somebody_else_s_keys_are_not_shown(visit: Visits, shop: Etalon) -> None:
    theirs, own = shop.hire("customer"), shop.hire("customer")
    make_key(shop, theirs)
    page = visit(own, "/account")
    expect(page.get_by_text("You have no keys.")).to_be_visible()


def make_key(shop: Etalon, person: Caller) -> None:
    assert shop.http.post("/users/me/keys", json={"name": "theirs"}, headers=person.headers).status_code == 201
    assert shop.rows(ApiKey)
