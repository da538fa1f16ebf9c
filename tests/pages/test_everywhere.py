"""What holds of every view in a shop full of texts that would like to run: who sees it, its policy, its weight."""

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.api.people import PASSWORD, ROLES
from tests.api.service import Etalon
from tests.pages import hostile
from tests.pages.databases import same_on_any_database
from tests.pages.views import NOBODY, VIEWS, Place, View, seen_by_most
from tests.pages.visits import LOCALES, Visits
from tests.pages.weight import files_of, weight_of

pytestmark = same_on_any_database
MOST_BYTES = 200_000  # of a page with everything it loads but photos
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
)
Readers = dict[str, httpx.Client]

every_view = pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)


def each_role(chosen: list[tuple[View, str]]) -> pytest.MarkDecorator:
    named = [pytest.param(view, role, id=f"{view.name}-{role}") for view, role in chosen]
    return pytest.mark.parametrize(("view", "role"), named)


@pytest.fixture(scope="module")
def place(shop: Etalon) -> Place:
    """The shop, with somebody of each role and hostile texts everywhere."""
    people = {role: shop.hire(role) for role in ROLES}
    product = hostile.Fill(shop, people["customer"], people["reviewer"]).everything()
    return Place(shop, people, product)


@pytest.fixture(scope="module")
def readers(place: Place) -> Iterator[Readers]:
    """Browsers without a window, scripts or styles: one of each role, one that is not signed in."""
    clients = {
        name: httpx.Client(base_url=place.shop.url, headers={"Accept": "text/html"}) for name in (*ROLES, NOBODY)
    }
    for role, person in place.people.items():
        who = {"username": person.username, "password": PASSWORD}
        assert clients[role].post("/session", json=who, headers={"X-Etalon-Page": "1"}).status_code == 200
    yield clients
    for client in clients.values():
        client.close()


@each_role([(view, role) for view in VIEWS for role in view.roles])
def test_no_text_that_was_sent_runs(visit: Visits, place: Place, view: View, role: str) -> None:
    # Without the policy that would stop a script: what is sent must not even become one.
    page = visit(place.people.get(role), view.address(place), bypass_csp=True)
    assert page.evaluate("window.ran") is None
    assert page.locator("main iframe, main svg[onload], main img[onerror], main a[href^='javascript']").count() == 0


@every_view
def test_a_page_with_everything_but_photos_is_light(visit: Visits, place: Place, view: View) -> None:
    page = visit(place.people.get(seen_by_most(view)), view.address(place))
    assert weight_of(page) < MOST_BYTES, files_of(page)


@each_role([(view, role) for view in VIEWS for role in view.roles])
def test_a_view_is_shown_to_whom_it_is_for(readers: Readers, place: Place, view: View, role: str) -> None:
    answer = readers[role].get(view.address(place))
    assert answer.status_code == (404 if view.name == "nowhere" else 200)
    assert answer.headers["content-type"].startswith("text/html")


@each_role([(view, role) for view in VIEWS for role in ROLES if {NOBODY, role}.isdisjoint(view.roles)])
def test_a_view_is_refused_to_others_in_words(readers: Readers, place: Place, view: View, role: str) -> None:
    answer = readers[role].get(view.address(place))
    assert answer.status_code == 403
    assert re.search(r"<h1[^>]*>\s*\w", answer.text)


@pytest.mark.parametrize("view", [one for one in VIEWS if NOBODY not in one.roles], ids=lambda view: view.name)
def test_who_is_not_signed_in_is_asked_to_and_comes_back(readers: Readers, place: Place, view: View) -> None:
    answer = readers[NOBODY].get(view.address(place))
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?" + str(httpx.QueryParams(next=view.address(place)))


@pytest.mark.parametrize("language", sorted(LOCALES))
@every_view
def test_a_page_says_its_language_and_has_one_heading_and_a_title(
    readers: Readers, place: Place, view: View, language: str
) -> None:
    asked = {"Accept-Language": LOCALES[language]}
    html = readers[seen_by_most(view)].get(view.address(place), headers=asked).text
    assert re.search(r"<html[^>]* lang=\"(\w+)\"", html)[1] == language
    assert len(re.findall(r"<h1\b", html)) == 1
    assert re.search(r"<title>\s*\w", html)


@every_view
def test_a_page_has_the_policy_and_is_kept_by_nobody(readers: Readers, place: Place, view: View) -> None:
    headers = readers[seen_by_most(view)].get(view.address(place)).headers
    assert headers["content-security-policy"] == POLICY
    assert {"Cookie", "Accept-Language"} <= set(headers["vary"].split(", "))
    assert headers["x-content-type-options"] == "nosniff"
