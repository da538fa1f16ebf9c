"""Walking the labels that look wrong, by keyboard alone: keep, correct, take back."""

import pytest
from playwright.sync_api import expect

from tests.api.people import Caller
from tests.api.service import Etalon
from tests.pages.accessibility import check_axe
from tests.pages.assortment import known_words
from tests.pages.desk import STAGE, Desk
from tests.pages.visits import Visits

BOOKS, STATIONERY = 10, 2522


@pytest.fixture
def doubted(shop: Etalon) -> str:
    """A product whose label goes against a very confident model; those that other tests left are looked at."""
    finish_earlier(shop)
    product = shop.predict(shop.hire("customer"), known_words()[BOOKS])
    given = shop.decide(shop.hire("reviewer"), product, accept=True, prdtypecode=STATIONERY)
    assert given.json()["second_opinion"]["prdtypecode"] == BOOKS, given.text
    return product


def finish_earlier(shop: Etalon) -> None:
    admin = shop.hire("admin")
    for one in shop.http.get("/predictions?second_opinion=true", headers=admin.headers).json()["items"]:
        assert shop.decide(admin, one["id"], "keep").status_code == 200


def desk_of(shop: Etalon, visit: Visits, who: Caller) -> Desk:
    return Desk(visit(who, "/review/opinions"), shop, who)


def test_a_label_that_is_right_is_kept(shop: Etalon, visit: Visits, doubted: str) -> None:
    desk = desk_of(shop, visit, shop.hire("reviewer"))
    expect(desk.page.locator(STAGE)).to_contain_text("Given: Stationery. It looks like Second-hand books")
    assert desk.decide("Enter") == doubted
    desk.is_saved()
    row = desk.now(doubted)
    assert (row["final_code"], row["second_opinion"]) == (STATIONERY, None)
    expect(desk.page.get_by_text("No label waits for a second opinion.")).to_be_visible()


def test_a_label_that_no_batch_has_yet_is_replaced_by_what_is_picked(shop: Etalon, visit: Visits, doubted: str) -> None:
    desk = desk_of(shop, visit, shop.hire("reviewer"))
    desk.decide("1")
    desk.is_saved()
    assert desk.now(doubted)["final_code"] == BOOKS
    assert desk.actions_on(doubted) == ["validate", "undo", "validate"]


def test_a_label_is_taken_back_into_the_queue(shop: Etalon, visit: Visits, doubted: str) -> None:
    desk = desk_of(shop, visit, shop.hire("reviewer"))
    desk.decide("u")
    desk.is_saved()
    assert desk.now(doubted)["status"] == "pending"


def test_an_admin_corrects_what_is_in_the_training_data_and_a_reviewer_cannot(
    shop: Etalon, visit: Visits, doubted: str
) -> None:
    shop.append(f"opinions-{doubted}")
    reviewer = desk_of(shop, visit, shop.hire("reviewer"))
    reviewer.press("1")
    expect(reviewer.page.get_by_text("Only an admin can change a label")).to_be_visible()
    reviewer.decide("s")
    reviewer.is_saved()
    admin = desk_of(shop, visit, shop.hire("admin"))
    assert admin.decide("1") == doubted
    admin.is_saved()
    assert (admin.now(doubted)["final_code"], admin.actions_on(doubted)[-1]) == (BOOKS, "correct")


def test_nobody_is_asked_about_a_label_that_they_gave(shop: Etalon, visit: Visits) -> None:
    finish_earlier(shop)
    reviewer = shop.hire("reviewer")
    product = shop.predict(shop.hire("customer"), known_words()[BOOKS])
    shop.decide(reviewer, product, accept=True, prdtypecode=STATIONERY)
    desk = desk_of(shop, visit, reviewer)
    expect(desk.page.get_by_text("No label waits for a second opinion.")).to_be_visible()


def test_everybody_can_read_a_second_opinion(shop: Etalon, visit: Visits, doubted: str) -> None:
    page = visit(shop.hire("reviewer"), "/review/opinions", language="fr", width=360)
    expect(page.locator(STAGE)).to_have_attribute("data-id", doubted)
    check_axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
