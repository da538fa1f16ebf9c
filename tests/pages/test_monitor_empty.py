"""The monitor of a shop that has just opened: it says that there is nothing yet, and that nothing is wrong."""

import pytest
from playwright.sync_api import expect

from tests.api.service import Etalon
from tests.pages.accessibility import check_axe
from tests.pages.looks import LOOKS, Look
from tests.pages.visits import Visits


@pytest.fixture(scope="module", params=["sqlite"])
def database(request: pytest.FixtureRequest) -> str:
    """Nothing is the same nothing in both."""
    return str(request.param)


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_an_empty_shop_is_well_and_says_what_is_missing(visit: Visits, shop: Etalon, look: Look) -> None:
    page = visit(shop.hire("admin"), "/monitor", language=look.language, scheme=look.scheme, width=look.width)
    expect(page.locator(".verdict.good")).to_have_count(1)
    assert page.locator("figure").count() == 9
    expect(page.locator("figure:not([data-chart]) figcaption p")).not_to_have_text([""])
    assert page.locator("figure[data-chart] canvas").count() == page.locator("figure[data-chart]").count()
    check_axe(page)


def test_it_says_so_in_words(visit: Visits, shop: Etalon) -> None:
    page = visit(shop.hire("reviewer"), "/monitor")
    expect(page.locator("#chart-verdicts")).to_contain_text("Nothing was decided in these days.")
    expect(page.locator("#chart-accuracy")).to_contain_text("The watch has read no accuracy in these days.")
    expect(page.locator("[data-part=needs]")).to_have_text("Nothing needs a person now.")
    expect(page.locator("[data-part=alarms]")).to_have_text("The watch has never alarmed.")
    expect(page.locator("[data-part=reports]")).to_have_text("No report has been written yet.")
    expect(page.locator("#stage-review")).to_contain_text("nothing waits")


def test_charts_appear_when_there_is_something_to_draw(visit: Visits, shop: Etalon) -> None:
    page = visit(shop.hire("reviewer"), "/monitor?days=7")
    expect(page.locator("#chart-queue canvas")).to_have_count(0)
    shop.predict(shop.hire("customer"))
    page.clock.install()
    page.goto("/monitor?days=90")  # what it has not told yet, it counts anew
    expect(page.locator("#chart-queue canvas")).to_have_count(1)
