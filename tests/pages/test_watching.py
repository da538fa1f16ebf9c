"""The watch over every visit sees what pages must never do; axe is really asked."""

import pytest
from playwright.sync_api import Browser, Page

from tests.api.service import Etalon
from tests.pages.accessibility import check_axe
from tests.pages.visits import Visits

NOBODY = None


@pytest.fixture(scope="module", params=["sqlite"])
def database(request: pytest.FixtureRequest) -> str:
    """What a browser does has nothing to do with where rows are kept."""
    return str(request.param)


@pytest.fixture
def visits(browser: Browser, shop: Etalon) -> Visits:
    """Visits whose faults are looked at here."""
    return Visits(browser, shop)


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        ("fetch('http://192.0.2.1/pixel.gif').catch(() => {})", "console: Connecting to 'http://192.0.2.1"),
        ("setTimeout(() => { throw new Error('unforeseen') })", "uncaught: unforeseen"),
        ("console.error('a fault')", "console: a fault"),
        ("alert('it ran')", "dialog: it ran"),
        ("document.body.append(Object.assign(document.createElement('script'), {text: 'let x'}))", "console: "),
    ],
)
def test_what_a_page_must_not_do_is_seen(visits: Visits, deed: str, told: str) -> None:
    page = visits(NOBODY, "/sign-in")
    do(page, deed)
    assert [fault for fault in visits.end() if fault.startswith(told)]


def test_a_request_to_another_host_is_seen_where_no_policy_stops_it(visits: Visits) -> None:
    page = visits(NOBODY, "/livez")
    page.goto("about:blank")
    do(page, "fetch('http://192.0.2.1/pixel.gif', {mode: 'no-cors'}).catch(() => {})")
    assert "asked another host: http://192.0.2.1/pixel.gif" in visits.end()


def do(page: Page, deed: str) -> None:
    """Run a script, and let what it put off for later happen."""
    page.evaluate(deed)
    page.evaluate("() => new Promise(later => setTimeout(later, 50))")


def test_a_quiet_visit_has_no_faults(visits: Visits) -> None:
    visits(NOBODY, "/sign-in")
    assert visits.end() == []


def test_axe_finds_a_field_without_a_name(visits: Visits) -> None:
    page = visits(NOBODY, "/docs")
    page.set_content("<html lang=en><title>t</title><main><h1>t</h1><input type=text></main>")
    with pytest.raises(AssertionError, match="critical label"):
        check_axe(page)
    visits.end()
