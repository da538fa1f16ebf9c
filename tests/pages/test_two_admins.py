"""Two people at the desk at once, each in a browser of their own, by keyboard."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from core.db.models import Verdict
from tests.api.people import Caller
from tests.api.service import Etalon
from tests.pages import stock
from tests.pages.visits import Visits

PRODUCTS = 12


@pytest.fixture
def waiting(shop: Etalon) -> Iterator[list[str]]:
    """Products that wait for a verdict: the only ones that do."""
    seller, cleaner = shop.hire("customer"), shop.hire("reviewer")
    ids = [shop.predict(seller, good.designation) for good in stock.goods(PRODUCTS)]
    yield ids
    for one in ids:
        shop.decide(cleaner, one, accept=False)  # what is decided already stays as it is


@pytest.fixture
def two(shop: Etalon) -> tuple[Caller, Caller]:
    return shop.hire("admin"), shop.hire("reviewer")


def on_stage(page: Page) -> str | None:
    """The id of the product that is shown; None when there is none left."""
    page.wait_for_selector("#stage > .product, #nothing:not([hidden])")
    card = page.locator("#stage > .product")
    return card.get_attribute("data-id") if card.count() else None


def press(page: Page, key: str) -> None:
    """Press a key of the desk, and wait until the stage holds something else."""
    before = on_stage(page)
    page.keyboard.press(key)
    page.wait_for_function("id => document.querySelector('#stage > .product')?.dataset.id !== id", arg=before)


def all_saved(page: Page) -> None:
    expect(page.locator("#unsaved")).to_have_attribute("data-count", "0")


def verdicts(shop: Etalon, ids: list[str]) -> list[tuple[str, str]]:
    """Product and reviewer of every verdict about these products."""
    return [(row.prediction_id, row.reviewer_id) for row in shop.rows(Verdict) if row.prediction_id in ids]


def test_two_people_are_never_shown_the_same_product(
    visit: Visits, shop: Etalon, waiting: list[str], two: tuple[Caller, Caller]
) -> None:
    pages = [visit(person, "/review") for person in two]
    shown: list[list[str]] = [[], []]
    while any(on_stage(page) for page in pages):
        for page, own in zip(pages, shown, strict=True):
            if (here := on_stage(page)) is not None:
                own.append(here)
                press(page, "Enter")
    for page in pages:
        all_saved(page)
    assert sorted(shown[0] + shown[1]) == sorted(waiting)
    assert min(map(len, shown)) > 0
    expected = [(one, person.id) for person, own in zip(two, shown, strict=True) for one in own]
    assert sorted(verdicts(shop, waiting)) == sorted(expected)


def test_a_product_that_a_colleague_decided_meanwhile_is_said_and_theirs_stands(
    visit: Visits, shop: Etalon, waiting: list[str], two: tuple[Caller, Caller]
) -> None:
    mine, theirs = two
    page = visit(mine, "/review")
    lost = on_stage(page)
    assert lost is not None
    assert shop.decide(theirs, lost, accept=False, reason="not for sale").status_code == 200
    press(page, "Enter")
    expect(page.locator("#notices")).to_be_visible()
    expect(page.locator("#notices li")).to_have_count(1)
    press(page, "Enter")
    all_saved(page)
    made = verdicts(shop, waiting)
    assert [who for one, who in made if one == lost] == [theirs.id]
    assert [who for one, who in made if one != lost] == [mine.id]


def test_what_a_colleague_took_from_the_queue_is_not_what_comes_next(
    visit: Visits, shop: Etalon, waiting: list[str], two: tuple[Caller, Caller]
) -> None:
    mine, theirs = two
    page, other = visit(mine, "/review"), visit(theirs, "/review")
    held = on_stage(other)
    for _ in waiting[:5]:
        assert on_stage(page) != held
        press(page, "s")
    all_saved(page)
    assert on_stage(other) == held
