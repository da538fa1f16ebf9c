"""Every view, full and empty, in every look: for eyes, fingers, keyboards and screen readers.

What a browser shows has nothing to do with where rows are kept, so one database is enough.
"""

import pytest
from playwright.sync_api import Page

from tests.api.people import ROLES
from tests.api.service import Etalon
from tests.pages import hostile
from tests.pages.accessibility import check_axe
from tests.pages.focus import unreached_by_tab, unseen_when_focused
from tests.pages.looks import LOOKS, Look, in_every_look
from tests.pages.views import VIEWS, Place, View, seen_by_most
from tests.pages.visits import Visits

every_view = pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)


@pytest.fixture(scope="module", params=["sqlite"])
def database(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=["empty", "full"])
def place(shop: Etalon, request: pytest.FixtureRequest) -> Place:
    """The shop as it opens, then with products in every state, whose texts are long and odd."""
    people = {role: shop.hire(role) for role in ROLES}
    if request.param == "empty":
        return Place(shop, people)
    return Place(shop, people, hostile.Fill(shop, people["customer"], people["reviewer"]).everything())


def open_view(visit: Visits, place: Place, view: View, look: Look = LOOKS[0]) -> Page:
    if view.needs_product and place.product is None:
        pytest.skip("there is no product yet")
    person = place.people.get(seen_by_most(view))
    return visit(person, view.address(place), language=look.language, scheme=look.scheme, width=look.width)


@in_every_look
@every_view
def test_axe_finds_no_grave_fault(visit: Visits, place: Place, view: View, look: Look) -> None:
    check_axe(open_view(visit, place, view, look))


@pytest.mark.parametrize("look", [look for look in LOOKS if look.width == 360], ids=lambda look: look.language)
@every_view
def test_nothing_is_wider_than_a_phone(visit: Visits, place: Place, view: View, look: Look) -> None:
    page = open_view(visit, place, view, look)
    assert page.evaluate("document.documentElement.scrollWidth") <= look.width, too_wide(page)


def too_wide(page: Page) -> list[str]:
    """The elements that reach beyond the window, innermost last."""
    return page.evaluate(
        """() => [...document.querySelectorAll('body *')]
            .filter(one => one.getBoundingClientRect().right > innerWidth + 1)
            .map(one => one.outerHTML.slice(0, 120))"""
    )


@every_view
def test_tab_reaches_every_control_and_shows_where_it_is(visit: Visits, place: Place, view: View) -> None:
    page = open_view(visit, place, view)
    assert unreached_by_tab(page) == []
    assert unseen_when_focused(page) == []
