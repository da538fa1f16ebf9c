"""Validating many products of one category at once, by keyboard alone."""

import pytest
from playwright.sync_api import Page, expect

from tests.api.people import Caller
from tests.api.service import Etalon
from tests.pages.accessibility import check_axe
from tests.pages.desk import Desk
from tests.pages.visits import Visits

CARDS = "#grid-cards > .grid-card"


@pytest.fixture
def reviewer(shop: Etalon) -> Caller:
    """Somebody who reviews."""
    return shop.hire("reviewer")


@pytest.fixture
def books(shop: Etalon) -> list[str]:
    """Four new products of one category; those that other tests left are decided."""
    finish_earlier(shop)
    seller = shop.hire("customer")
    return [shop.predict(seller, f"a book of tales, volume {n}") for n in range(4)]


def finish_earlier(shop: Etalon) -> None:
    """Reject what waits, so that each test has a grid of its own."""
    admin = shop.hire("admin")
    while items := shop.http.get("/predictions?status=pending&limit=200", headers=admin.headers).json()["items"]:
        body = {"items": [{"id": one["id"], "accept": False} for one in items]}
        assert shop.http.post("/predictions/validate", json=body, headers=admin.headers).status_code == 200


def ids_on(page: Page) -> list[str]:
    """The products of the grid, in its order."""
    return [str(card.get_attribute("data-id")) for card in page.locator(CARDS).all()]


def statuses(desk: Desk, ids: list[str]) -> list[str]:
    return [desk.now(one)["status"] for one in ids]


def test_what_is_selected_is_accepted_and_undone_as_a_whole(
    shop: Etalon, visit: Visits, reviewer: Caller, books: list[str]
) -> None:
    desk = Desk(visit(reviewer, "/review/grid?code=10&order=oldest"), shop, reviewer)
    expect(desk.page.locator(CARDS)).to_have_count(4)
    desk.press("ArrowRight", "Space", "ArrowRight", "Space", "ArrowRight", "ArrowRight", "Space", "Space", "Space")
    expect(desk.page.locator("#selected")).to_have_text("3 selected")
    desk.press("Enter")
    expect(desk.page.locator(CARDS)).to_have_count(1)
    assert statuses(desk, books) == ["validated", "validated", "pending", "validated"]
    desk.press("u")
    expect(desk.page.locator(CARDS)).to_have_count(4)
    assert statuses(desk, books) == ["pending"] * 4


def test_everything_is_selected_by_one_key_and_nothing_by_the_next(
    visit: Visits, reviewer: Caller, books: list[str]
) -> None:
    page = visit(reviewer, "/review/grid?code=10")
    page.keyboard.press("a")
    expect(page.locator("#selected")).to_have_text(f"{len(books)} selected")
    page.keyboard.press("a")
    expect(page.locator("#selected")).to_have_text("0 selected")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing is selected.")).to_be_visible()


def test_where_a_colleague_was_faster_nothing_is_accepted_and_the_rest_stays_selected(
    shop: Etalon, visit: Visits, reviewer: Caller, books: list[str]
) -> None:
    desk = Desk(visit(reviewer, "/review/grid?code=10&order=oldest"), shop, reviewer)
    colleague = shop.hire("reviewer")
    assert shop.decide(colleague, books[1], accept=False).status_code == 200
    desk.press("a", "Enter")
    card = desk.page.locator(f'{CARDS}[data-id="{books[1]}"]')
    expect(card).to_contain_text(f"{colleague.username} was faster and rejected it")
    expect(desk.page.locator("#selected")).to_have_text("3 selected")
    assert statuses(desk, books) == ["pending", "rejected", "pending", "pending"]
    desk.press("Enter")
    expect(desk.page.locator(CARDS)).to_have_count(0)
    assert statuses(desk, books) == ["validated", "rejected", "validated", "validated"]


def test_the_next_page_has_an_address_of_its_own_and_goes_with_the_back_button(
    shop: Etalon, visit: Visits, reviewer: Caller, books: list[str]
) -> None:
    seller = shop.hire("customer")
    more = [shop.predict(seller, f"a book of tales, volume {n}") for n in range(4, 26)]
    page = visit(reviewer, "/review/grid?code=10&order=oldest")
    assert ids_on(page) == [*books, *more][:24]
    page.keyboard.press("n")
    expect(page.locator(CARDS)).to_have_count(2)
    page.reload()
    assert ids_on(page) == more[-2:]
    page.go_back()
    expect(page.locator(CARDS)).to_have_count(24)


def test_a_grid_asks_for_a_category_first(visit: Visits, reviewer: Caller, books: list[str]) -> None:
    page = visit(reviewer, "/review/grid")
    expect(page.get_by_text("Choose a category to see its products.")).to_be_visible()
    page.get_by_label("Category", exact=True).select_option("10")
    expect(page.locator(CARDS)).to_have_count(len(books))
    page.get_by_label("Category", exact=True).select_option("50")
    expect(page.get_by_text("Nothing of this category waits under these filters.")).to_be_visible()


@pytest.mark.parametrize(("language", "width", "scheme"), [("en", 1280, "dark"), ("fr", 360, "light")])
def test_everybody_can_read_the_grid(
    visit: Visits, reviewer: Caller, books: list[str], language: str, width: int, scheme: str
) -> None:
    page = visit(reviewer, "/review/grid?code=10", language=language, width=width, scheme=scheme)
    expect(page.locator(CARDS)).to_have_count(len(books))
    check_axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
