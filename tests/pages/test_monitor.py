"""The monitor: what it says of a loop that was prepared, how it stays fresh, and how it is used without a mouse."""

from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import update

from core.db.models import Outbox
from core.db.repositories import judgements, quality, store_checks
from core.db.repositories.judgements import Judgement
from core.db.repositories.trends import clock
from core.domain.watch import Finding, Watched
from tests.api.people import Caller
from tests.api.service import Etalon
from tests.pages.accessibility import check_axe
from tests.pages.looks import LOOKS, Look
from tests.pages.visits import Visits, settle
from tests.toys.days import Shop, fill, read_quality

CHARTS = ("verdicts", "overrides", "queue", "ages", "accuracy", "drift", "confidence", "classes", "latency")
OVER_TIME = CHARTS[:6]


@pytest.fixture(scope="module")
def remy(shop: Etalon) -> Caller:
    """A reviewer."""
    return shop.hire("reviewer")


@pytest.fixture(scope="module", autouse=True)
def filled(shop: Etalon, remy: Caller) -> None:
    """Ten days of twenty products each, an alarm, a challenger that nobody is sure of, a report, and a check."""
    seller = shop.hire("customer")
    shop.predict(seller)
    with shop.sessions.begin() as session:
        now = fill(session, Shop(seller.id, remy.id))
        read_quality(session, now)
        quality.move_episode(session, Watched.TEXT, Finding.ALARM, "toy-0")
        said = Judgement(1, "grey", 1, shop.model, None, 0.83, 0.82, {})
        judgements.record(session, package="c" * 64, judgement=said, gated=True)
        store_checks.record(session, complete=True, manifest=1, broken=[])
    shop.store.reports.mkdir()
    (shop.store.reports / "monthly-2026-10.html").write_text("<!doctype html><title>October</title>")


@pytest.fixture
def page(visit: Visits, remy: Caller) -> Page:
    return visit(remy, "/monitor")


def table_of(page: Page, chart: str) -> list[list[str]]:
    """The cells of a chart's table, opened as a reader would."""
    figure = page.locator(f"#chart-{chart}")
    if figure.locator("details[open]").count() == 0:
        figure.locator("summary").click()
    expect(figure.locator("tbody tr").first).to_be_visible()
    return figure.locator("tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(one => one.textContent))"
    )


# --- what it says ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chart", CHARTS)
def test_every_chart_is_drawn_and_told_in_words(page: Page, chart: str) -> None:
    figure = page.locator(f"#chart-{chart}")
    expect(figure.locator("canvas")).to_have_count(1)
    expect(figure.locator("figcaption p")).not_to_be_empty()
    assert "Nothing" not in figure.locator("figcaption").inner_text()
    rows = table_of(page, chart)
    assert len(rows) == 30 if chart in OVER_TIME else rows


def test_the_tables_have_the_numbers_that_were_prepared(page: Page) -> None:
    verdicts = [row[1:] for row in table_of(page, "verdicts")]
    assert verdicts[-2] == ["12", "2", "2"]  # yesterday: seven of ten accepted, one of them otherwise, one rejected
    assert verdicts[-7] == ["16", "2", "2"]  # with those that had waited a day
    assert verdicts[0] == ["0", "0", "0"]
    assert [row[1:] for row in table_of(page, "queue")][-4:] == [["20", "4"], ["20", "8"], ["20", "12"], ["1", "13"]]
    assert [row[1] for row in table_of(page, "overrides")][-2:] == ["14.3% (4.0%–39.9%)", "–"]
    assert [row[1] for row in table_of(page, "accuracy")][-1] == "84.0% (79.0%–89.0%)"
    assert [row[1:] for row in table_of(page, "drift")][-1] == ["0.2", "0.3", "0.4"]
    assert [row[1:] for row in table_of(page, "ages")][-2:] == [["2", "1", "0.08"], ["3", "2", "–"]]


def test_the_models_are_told_apart(page: Page) -> None:
    headings = page.locator("#chart-classes thead th")
    confidence = table_of(page, "confidence")
    assert [row[0] for row in confidence][-2:] == ["80%–90%", "90%–100%"]
    assert [row[1:] for row in confidence][5:9] == [["30.0%", "30.0%"]] * 2 + [["20.0%", "20.0%"]] * 2
    assert [row[0] for row in table_of(page, "classes")] == [
        "10 Second-hand books",
        "40 Imported video games",
        "2060 Home decoration",
    ]
    assert headings.all_inner_texts() == ["Category", "fusion bbbbbbbb", "fusion aaaaaaaa"]


def test_what_needs_a_person_is_told_first_and_leads_there(page: Page) -> None:
    needs = page.locator("[data-part=needs] a")
    assert needs.all_inner_texts() == [
        "Decide about model cccccccc: the gate is not sure whether it is better",
        "Review 13 products",
    ]
    assert [one.get_attribute("href") for one in needs.all()] == ["/models", "/review"]


def test_alarms_runs_and_reports_are_told(page: Page) -> None:
    expect(page.locator("[data-part=alarms]")).to_contain_text("Texts")
    expect(page.locator("[data-part=alarms]")).to_contain_text("told once")
    runs = {row.locator("th").inner_text(): row for row in page.locator("[data-part=runs] tbody tr").all()}
    expect(runs["Training and judgement"]).to_contain_text("unsure: a person decides")
    expect(runs["Check of the store"]).to_contain_text("everything holds")
    expect(runs["Monthly report"].locator("a")).to_have_attribute("href", "/reports/monthly-2026-10")
    expect(runs["Archive"]).to_contain_text("never")
    expect(page.locator("[data-part=reports] a")).to_have_text("2026-10")


# --- how it looks and is used ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_it_reads_well_in_every_look(visit: Visits, remy: Caller, look: Look) -> None:
    page = visit(remy, "/monitor?days=90", language=look.language, scheme=look.scheme, width=look.width)
    expect(page.locator("canvas")).to_have_count(len(CHARTS))
    for chart in ("verdicts", "classes"):
        table_of(page, chart)
    assert page.evaluate("document.documentElement.scrollWidth") <= look.width
    check_axe(page)


def test_in_french_it_speaks_french(visit: Visits, remy: Caller) -> None:
    page = visit(remy, "/monitor", language="fr")
    expect(page.locator("h1")).to_have_text("Suivi")
    assert [row[1] for row in table_of(page, "accuracy")][-1] == "84,0\u202f% (79,0\u202f%–89,0\u202f%)"
    assert table_of(page, "classes")[0][0].startswith("10 Livres")


def test_ninety_days_are_light_enough_for_a_phone(visit: Visits, remy: Caller) -> None:
    page = visit(remy, "/monitor?days=90")
    sizes = page.evaluate(
        "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
        ".map(one => one.transferSize)"
    )
    assert sum(sizes) < 200_000


def test_other_colours_draw_the_charts_again(page: Page) -> None:
    drawn = [picture(page)]
    page.emulate_media(color_scheme="dark")
    drawn.append(other_picture(page, drawn[-1]))
    page.locator("#theme").click()
    assert other_picture(page, drawn[-1]) == drawn[0]


_PICTURE = "document.querySelector('#chart-verdicts canvas').toDataURL()"


def picture(page: Page) -> str:
    return page.evaluate(_PICTURE)


def other_picture(page: Page, before: str) -> str:
    page.wait_for_function(f"before => {_PICTURE} !== before", arg=before)
    return picture(page)


def test_it_is_used_by_keyboard_alone(page: Page) -> None:
    tab_to(page, page.locator("nav a", has_text="7 days"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/monitor?days=7")
    settle(page)
    expect(page.locator("nav [aria-current]", has_text="7 days")).to_have_count(1)
    tab_to(page, page.locator("#chart-verdicts summary"))
    page.keyboard.press("Enter")
    expect(page.locator("#chart-verdicts tbody tr")).to_have_count(7)
    page.keyboard.press("Tab")  # into the table, which can be scrolled
    expect(page.locator("#chart-verdicts .scroll")).to_be_focused()


def tab_to(page: Page, wanted: Locator) -> None:
    for _ in range(60):
        page.keyboard.press("Tab")
        if wanted.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError("Tab does not come there")


def test_what_lies_under_the_pointer_is_told(page: Page) -> None:
    page.locator("#chart-queue .u-over").hover(position={"x": 3, "y": 40})
    expect(page.locator("#chart-queue .readout")).to_contain_text("Sent 0 · Waiting at the day’s end 0")


# --- how it stays fresh -----------------------------------------------------------------------------------------------


@pytest.fixture
def patient(page: Page) -> Page:
    """The page, with a clock that a test moves."""
    page.clock.install()
    page.reload()
    settle(page)
    return page


def half_a_minute_later(page: Page) -> None:
    """Let the page look again."""
    with page.expect_response("**/monitor/parts*"):
        page.clock.fast_forward(30_000)
    settle(page)


def test_a_stage_that_is_stuck_is_told_in_words_without_losing_the_readers_place(
    patient: Page, shop: Etalon, remy: Caller
) -> None:
    seller = shop.hire("customer")
    sent = shop.predict(seller)
    shop.decide(remy, sent, accept=True)
    table_of(patient, "queue")
    patient.locator("#chart-queue .scroll").evaluate("one => { one.scrollTop = 120; }")
    patient.locator("#chart-queue summary").focus()
    seen_at = top_of(patient.locator("#chart-queue summary"))
    with shop.sessions.begin() as session:
        past = clock(session) - timedelta(days=2)
        session.execute(update(Outbox).values(created_at=past))
    shop.stop()  # one that runs would tell the same for a few seconds more
    shop.start()
    half_a_minute_later(patient)
    expect(patient.locator(".verdict")).to_contain_text("does not move at: Accepted")
    expect(patient.locator("#stage-append")).to_contain_text("stuck")
    expect(patient.locator("[data-part=needs]")).to_contain_text("look at the DAG retrain")
    expect(patient.locator("#chart-queue summary")).to_be_focused()
    assert patient.locator("#chart-queue details[open] tbody tr").count() == 30
    assert patient.locator("#chart-queue .scroll").evaluate("one => one.scrollTop") == 120
    assert top_of(patient.locator("#chart-queue summary")) == pytest.approx(seen_at, abs=2)


def top_of(element: Locator) -> float:
    """Where it stands in the window, in pixels: what grew above it has not moved it."""
    return element.evaluate("one => one.getBoundingClientRect().top")


def test_nobody_is_asked_while_nobody_looks(patient: Page) -> None:
    asked: list[str] = []
    patient.on("request", lambda request: asked.append(request.url))
    patient.evaluate("() => { Object.defineProperty(document, 'hidden', { get: () => window.away ?? true }); }")
    patient.clock.fast_forward(120_000)
    assert asked == []
    with patient.expect_response("**/monitor/parts*"):
        patient.evaluate("() => { window.away = false; document.dispatchEvent(new Event('visibilitychange')); }")


def test_a_service_that_is_away_is_told_and_what_was_known_stays(patient: Page) -> None:
    known = patient.locator("#monitor").inner_text()
    patient.context.set_offline(True)
    patient.clock.fast_forward(30_000)
    expect(patient.locator("#freshness")).to_contain_text("not fresh")
    assert patient.locator("#monitor").inner_text() == known
    expect(patient.locator("figure[data-chart] canvas")).to_have_count(patient.locator("figure[data-chart]").count())
    patient.context.set_offline(False)
    half_a_minute_later(patient)
    expect(patient.locator("#freshness")).to_be_empty()
