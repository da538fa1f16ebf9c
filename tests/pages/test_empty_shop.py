"""Every view of a shop that opened a moment ago: nothing was sent, decided or trained yet."""

import pytest
from playwright.sync_api import Page, expect

from tests.api.people import ROLES
from tests.api.service import Etalon
from tests.pages.accessibility import check_axe
from tests.pages.databases import same_on_any_database
from tests.pages.looks import LOOKS, PHONES, Look, too_wide
from tests.pages.views import NOBODY, VIEWS, Place, View, seen_by_most
from tests.pages.visits import Visits

pytestmark = same_on_any_database
EMPTY = [view for view in VIEWS if not view.needs_product]
every_view = pytest.mark.parametrize("view", EMPTY, ids=lambda view: view.name)


@pytest.fixture(scope="module")
def place(shop: Etalon) -> Place:
    return Place(shop, {role: shop.hire(role) for role in ROLES})


def open_view(visit: Visits, place: Place, view: View, look: Look) -> Page:
    person = place.people.get(seen_by_most(view))
    return visit(person, view.address(place), language=look.language, scheme=look.scheme, width=look.width)


@pytest.mark.parametrize("look", LOOKS[1::2], ids=str)
@every_view
def test_axe_finds_no_grave_fault(visit: Visits, place: Place, view: View, look: Look) -> None:
    check_axe(open_view(visit, place, view, look))


@every_view
def test_nothing_is_wider_than_a_phone(visit: Visits, place: Place, view: View) -> None:
    page = open_view(visit, place, view, PHONES[0])
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONES[0].width, too_wide(page)


@pytest.mark.parametrize("view", [view for view in EMPTY if NOBODY not in view.roles], ids=lambda view: view.name)
def test_no_view_waits_for_what_is_not_there(visit: Visits, place: Place, view: View) -> None:
    page = open_view(visit, place, view, LOOKS[0])
    expect(page.locator("main h1")).to_have_count(1)
    expect(page.locator(".skeleton:visible")).to_have_count(0)
