"""The models page by keyboard alone: compare, serve with a reason, go back, meet another admin's decision."""

import itertools
import time

import pytest
from playwright.sync_api import Page, expect

from core.db.models import Promotion, RetrainRequest
from core.db.repositories import evaluations, judgements, promotions
from core.db.repositories.judgements import Judgement
from preprocessing.images import sanitise
from tests.api.people import Caller
from tests.api.service import Etalon
from tests.integration.api.packaged import write_tiny_expert
from tests.pages.accessibility import check_axe
from tests.pages.focus import unreached_by_tab
from tests.pages.judged import TITLES, judge
from tests.pages.visits import Visits
from tests.pages.weight import weight_of
from tests.toys.evaluations import evaluation

_temperatures = itertools.count(31)


def challenger(shop: Etalon, decision: str = "grey") -> str:
    """A challenger that no other test has; judged beside the champion of now."""
    return judge(shop, decision, temperature=next(_temperatures) / 100)


@pytest.fixture
def admin(shop: Etalon) -> Caller:
    return shop.hire("admin")


def newest(shop: Etalon) -> Promotion:
    with shop.readers() as session:
        row = promotions.current(session)
        assert row is not None
        return row


def until_served(shop: Etalon) -> None:
    """The service loads what the ledger says by itself; what a test did itself, it waits for."""
    with shop.readers() as session:
        row = promotions.current(session)
    anybody = shop.hire("customer")
    deadline = time.monotonic() + 30
    while shop.http.get("/models/champion", headers=anybody.headers).json().get("epoch") != (row.epoch if row else 0):
        assert time.monotonic() < deadline, "the release was not loaded"
        time.sleep(0.05)


def tab_to(page: Page, name: str, role: str = "button") -> None:
    """Go to something by Tab, from wherever one is."""
    wanted = page.get_by_role(role, name=name, exact=True)
    for _ in range(150):
        if wanted.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not come to {name!r}")


def press(page: Page, name: str, role: str = "button") -> None:
    tab_to(page, name, role)
    page.keyboard.press("Enter")


# --- looking ----------------------------------------------------------------------------------------------------------


def test_a_reviewer_compares_a_challenger_with_the_champion(visit: Visits, shop: Etalon) -> None:
    version = challenger(shop)
    page = visit(shop.hire("reviewer"), "/models")
    press(page, version[:12], "link")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"fusion {version[:12]}")
    figures = page.get_by_role("region", name="Side by side")
    expect(figures.get_by_role("row", name="Weighted F1")).to_contain_text("0.900 0.800 +10.0")
    expect(figures.get_by_role("row", name="One answer")).to_contain_text("12.0 ms 10.0 ms +2.0 ms")
    expect(page.get_by_text("in 90 of 100 draws between −2.0 and +20.0. Better in 71% of the draws.")).to_be_visible()
    checks = page.locator(".checks li")
    expect(checks.first).to_contain_text("failed")
    expect(checks.first).to_contain_text("Better in 71.0% of the draws; 80.0% are asked.")
    expect(page.get_by_text("An administrator can serve it.")).to_be_visible()
    expect(page.get_by_role("button", name="Serve this model")).to_have_count(0)


def test_a_reviewer_has_nothing_to_press_that_moves_a_release(visit: Visits, shop: Etalon) -> None:
    page = visit(shop.hire("reviewer"), "/models")
    expect(page.get_by_role("heading", name="Ledger")).to_be_visible()
    assert page.locator("main button").count() == 0


def test_a_customer_is_told_that_the_page_is_for_colleagues(visit: Visits, shop: Etalon) -> None:
    page = visit(shop.hire("customer"), "/models")
    expect(page.get_by_role("heading", name="Not for this account")).to_be_visible()


def test_the_categories_are_sorted_by_their_headings(visit: Visits, shop: Etalon) -> None:
    page = visit(shop.hire("reviewer"), f"/models/{challenger(shop)}/page")
    labels = page.locator(".sortable tbody th")
    press(page, "Category")
    expect(page.locator(".sortable th[aria-sort]")).to_have_attribute("aria-sort", "ascending")
    ascending = labels.evaluate_all("all => all.map(one => one.dataset.value)")
    assert ascending == sorted(ascending, key=str.lower)
    page.keyboard.press("Enter")
    assert labels.evaluate_all("all => all.map(one => one.dataset.value)") == ascending[::-1]


def test_the_heat_map_shows_either_model_or_what_changed(visit: Visits, shop: Etalon) -> None:
    page = visit(shop.hire("reviewer"), f"/models/{challenger(shop)}/page")
    first = page.locator(".heat tbody tr").first.locator("td").first
    expect(first).to_have_text("90")
    press(page, "Champion", "link")
    expect(first).to_have_text("80")
    press(page, "Difference", "link")
    expect(first).to_have_text("+10")
    expect(page.locator(".heat caption")).to_contain_text("Green is better")


def test_products_with_another_answer_are_shown_as_they_were_sent(visit: Visits, shop: Etalon) -> None:
    page = visit(shop.hire("reviewer"), f"/models/{challenger(shop)}/page")
    expect(page.locator(".changed h3")).to_have_text(list(TITLES))
    assert page.evaluate("window.ran") is None
    photo = page.locator(".changed img").first
    photo.scroll_into_view_if_needed()
    expect(photo).to_have_js_property("naturalWidth", 224)


def test_the_page_speaks_french(visit: Visits, shop: Etalon) -> None:
    page = visit(shop.hire("reviewer"), f"/models/{challenger(shop)}/page", language="fr", width=360, scheme="dark")
    assert page.locator("html").get_attribute("lang") == "fr"
    expect(page.get_by_role("heading", name="Côte à côte")).to_be_visible()
    expect(page.get_by_text("Meilleur dans 71,0\u202f% des tirages\u202f; 80,0\u202f% sont demandés.")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    check_axe(page)


def test_the_whole_comparison_is_light_and_every_control_is_reached(visit: Visits, shop: Etalon) -> None:
    page = visit(shop.hire("admin"), f"/models/{challenger(shop)}/page")
    assert weight_of(page) < 200_000
    assert unreached_by_tab(page) == []
    check_axe(page)


def test_the_first_model_was_compared_with_none(visit: Visits, shop: Etalon) -> None:
    version = challenger(shop)
    told = {"outcome": "first", "reasons": ["passed golden answers: repeated", "there is no champion to compare with"]}
    with shop.sessions.begin() as session:
        said = Judgement(1, "first", 0, None, None, 0.9, None, told)
        judgements.record(session, package=version, judgement=said, gated=True)
        evaluations.record(session, package=version, evaluation=evaluation(version, None))
    page = visit(shop.hire("reviewer"), f"/models/{version}/page")
    expect(page.locator(".checks li").last).to_contain_text("There was no champion to compare it with.")
    expect(page.get_by_text("On 30 products that it had not learnt from.")).to_be_visible()
    expect(page.get_by_role("link", name="Difference")).to_have_count(0)


def test_the_champion_is_told_since_it_was_served_itself(visit: Visits, shop: Etalon) -> None:
    clean = sanitise(shop.photo, max_bytes=10**6, max_pixels=10**6)
    companion = write_tiny_expert(shop.store.packages, clean.data, "appearance")
    before = newest(shop)
    facts = {"actor": "somebody", "reason": "photos alone", "kind": "companion", "gate_report": None, "run_id": None}
    with shop.sessions.begin() as session:
        models = {**before.models, "appearance": companion}
        place = {"expected_epoch": before.epoch, "manifest": 1, "taxonomy_version": before.taxonomy_version}
        promotions.promote(session, models=models, **place, **facts)
    until_served(shop)
    page = visit(shop.hire("reviewer"), "/models")
    card = page.get_by_role("region", name="Champion")
    expect(card).to_contain_text(before.models["fusion"][:12])
    expect(card).not_to_contain_text("photos alone")
    expect(page.get_by_role("region", name="Companions").first).to_contain_text(companion[:12])


def test_a_model_without_figures_says_what_is_known_of_it(visit: Visits, shop: Etalon) -> None:
    page = visit(shop.hire("reviewer"), f"/models/{shop.model}/page")
    expect(page.get_by_text("No figures are kept of this model.")).to_be_visible()
    expect(page.get_by_text(shop.model)).to_be_visible()


# --- deciding ---------------------------------------------------------------------------------------------------------


def test_a_model_in_the_grey_zone_is_served_with_a_reason_and_taken_back(
    visit: Visits, shop: Etalon, admin: Caller
) -> None:
    version, before = challenger(shop), newest(shop)
    page = visit(admin, f"/models/{version}/page")
    press(page, "Serve this model")
    expect(page.locator("#promote-error")).to_have_text("Write down why.")
    expect(page.locator("#promote-reason")).to_be_focused()
    page.keyboard.type("knows the new lamps")
    press(page, "Serve this model")
    expect(page.locator("#notice")).to_contain_text(f"This service answers with epoch {before.epoch + 1}.")
    expect(page.get_by_text("This model is served now.")).to_be_visible()
    expect(page.locator("#notice")).to_be_focused()  # the form that the keyboard was on is gone
    row = newest(shop)
    assert (row.kind, row.models["fusion"], row.reason) == ("approved", version, "knows the new lamps")
    assert row.actor == admin.id

    page.goto("/models")
    press(page, "Roll back…")
    expect(page.locator("#ask-body")).to_contain_text(before.models["fusion"][:12])
    page.keyboard.type("complaints")
    press(page, "Roll back")
    expect(page.locator("#notice")).to_contain_text(f"This service answers with epoch {before.epoch + 2}.")
    row = newest(shop)
    assert (row.kind, row.models, row.reason) == ("rollback", before.models, "complaints")
    expect(page.get_by_role("row", name="complaints")).to_contain_text(admin.username)


def test_giving_up_a_rollback_moves_nothing(visit: Visits, shop: Etalon, admin: Caller) -> None:
    shop.release(challenger(shop, "promote"))
    until_served(shop)
    before, page = newest(shop).epoch, visit(admin, "/models")
    press(page, "Roll back…")
    page.keyboard.press("Escape")
    expect(page.locator("#ask")).not_to_be_visible()
    assert newest(shop).epoch == before


def test_another_admins_decision_is_shown_and_not_overwritten(visit: Visits, shop: Etalon, admin: Caller) -> None:
    version, other = challenger(shop), challenger(shop)
    page = visit(admin, f"/models/{version}/page")
    epoch = shop.release(other)
    until_served(shop)
    tab_to(page, "Reason", "textbox")
    page.keyboard.type("knows the new lamps")
    press(page, "Serve this model")
    expect(page.locator("#notice")).to_contain_text("Another release was made meanwhile.")
    expect(page.locator("#notice")).to_contain_text("Nothing was changed.")
    assert (newest(shop).epoch, newest(shop).models["fusion"]) == (epoch, other)
    # The form is for the release of now, and says what has become of the gate's word; what was written is still there.
    expect(page.get_by_text("It compared this model with another champion than today’s.")).to_be_visible()
    expect(page.locator("#promote-reason")).to_have_value("knows the new lamps")


def test_serving_against_the_gate_takes_a_tick(visit: Visits, shop: Etalon, admin: Caller) -> None:
    version, before = challenger(shop, "refuse"), newest(shop).epoch
    page = visit(admin, f"/models/{version}/page")
    expect(page.get_by_text("The gate does not let this model through.")).to_be_visible()
    tab_to(page, "Reason", "textbox")
    page.keyboard.type("the checks are out of date")
    press(page, "Serve this model")
    expect(page.locator("#promote-error")).to_have_text("Tick the box: this goes against the gate.")
    expect(page.locator("#promote-override")).to_be_focused()
    assert newest(shop).epoch == before
    page.keyboard.press("Space")
    press(page, "Serve this model")
    expect(page.locator("#notice")).to_contain_text(f"This service answers with epoch {before + 1}.")
    assert newest(shop).kind == "manual"


def test_a_refused_package_leaves_what_is_served(visit: Visits, shop: Etalon, admin: Caller) -> None:
    version, before = challenger(shop, "promote"), newest(shop).epoch
    page = visit(admin, f"/models/{version}/page")
    weights = next((shop.store.packages / version).glob("*.safetensors"))
    weights.write_bytes(b"damaged")
    tab_to(page, "Reason", "textbox")
    page.keyboard.type("better")
    press(page, "Serve this model")
    expect(page.locator("#notice")).to_contain_text("did not pass their check")
    assert newest(shop).epoch == before


def test_a_retraining_is_asked_for_with_a_reason(visit: Visits, shop: Etalon, admin: Caller) -> None:
    page = visit(admin, "/models")
    press(page, "Retrain now…")
    page.keyboard.type("corrected labels")
    press(page, "Train again")
    expect(page.get_by_text("Waiting for a run")).to_be_visible()
    (wish,) = shop.rows(RetrainRequest)
    assert (wish.reason, wish.requested_by) == ("corrected labels", admin.id)
    expect(page.locator("#overview")).to_contain_text(admin.username)


def test_the_ledger_turns_its_pages(visit: Visits, shop: Etalon) -> None:
    first, second = challenger(shop, "promote"), challenger(shop, "promote")
    for at in range(16):
        shop.release((first, second)[at % 2])
    until_served(shop)
    page = visit(shop.hire("reviewer"), "/models")
    epochs = page.locator("#overview section[aria-labelledby=ledger-title] tbody th")
    last = newest(shop).epoch
    expect(epochs).to_have_count(15)
    press(page, "Older", "link")
    expect(epochs.first).to_have_text(str(last - 15))
    press(page, "Newest", "link")
    expect(epochs.first).to_have_text(str(last))
