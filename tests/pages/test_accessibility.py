"""Every view of a shop full of long and odd texts, in every look: for eyes, fingers, keyboards and screen readers.

What a browser shows has nothing to do with where rows are kept, so one database is enough.
"""

import pytest
from playwright.sync_api import Page

from tests.api.people import ROLES
from tests.api.service import Etalon
from tests.pages import hostile
from tests.pages.accessibility import check_axe
from tests.pages.databases import same_on_any_database
from tests.pages.focus import unreached_by_tab, unseen_when_focused
from tests.pages.looks import LOOKS, PHONES, Look, too_wide
from tests.pages.views import VIEWS, Place, View, seen_by_most
from tests.pages.visits import Visits

pytestmark = same_on_any_database
every_view = pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)


@pytest.fixture(scope="module")
def place(shop: Etalon) -> Place:
    """The shop, with products in every state."""
    people = {role: shop.hire(role) for role in ROLES}
    return Place(shop, people, hostile.Fill(shop, people["customer"], people["reviewer"]).everything())


def open_view(visit: Visits, place: Place, view: View, look: Look = LOOKS[0]) -> Page:
    person = place.people.get(seen_by_most(view))
    return visit(person, view.address(place), language=look.language, scheme=look.scheme, width=look.width)


@pytest.mark.parametrize("look", LOOKS, ids=str)
@every_view
def test_axe_finds_no_grave_fault(visit: Visits, place: Place, view: View, look: Look) -> None:
    check_axe(open_view(visit, place, view, look))


@pytest.mark.parametrize("look", PHONES, ids=str)
@every_view
def test_nothing_is_wider_than_a_phone(visit: Visits, place: Place, view: View, look: Look) -> None:
    page = open_view(visit, place, view, look)
    assert page.evaluate("document.documentElement.scrollWidth") <= look.width, too_wide(page)


@every_view
def test_tab_reaches_every_control_and_shows_where_it_is(visit: Visits, place: Place, view: View) -> None:
    page = open_view(visit, place, view)
    assert unreached_by_tab(page) == []
    assert unseen_when_focused(page) == []
