"""The review desk, by keyboard alone: what a key does, and that what it did is kept."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.api.people import Caller
from tests.api.service import Etalon
from tests.pages.accessibility import check_axe
from tests.pages.desk import STAGE, Desk
from tests.pages.visits import Visits

TITLES = ("a book of tales", "a board game", "a table lamp", "a second book", "a second game", "a second lamp")


@pytest.fixture
def desk(shop: Etalon, visit: Visits) -> Desk:
    """A reviewer's desk with six new products; what other tests left is decided."""
    return open_desk(shop, visit)


def open_desk(shop: Etalon, visit: Visits, query: str = "?order=newest") -> Desk:
    seller, reviewer = shop.hire("customer"), shop.hire("reviewer")
    for title in TITLES:
        shop.predict(seller, title)
    return Desk(visit(reviewer, f"/review{query}"), shop, reviewer)


# --- one key, one decision --------------------------------------------------------------------------------------------


def test_enter_accepts_the_suggestion_and_the_next_product_is_there(desk: Desk) -> None:
    accepted = desk.decide("Enter")
    desk.is_saved()
    row = desk.now(accepted)
    assert (row["status"], row["final_code"]) == ("validated", row["suggested_code"])
    expect(desk.page.locator(f"{STAGE} h2")).to_be_focused()


def test_a_number_accepts_with_that_one_of_the_best_three(desk: Desk) -> None:
    second = desk.page.locator(STAGE).get_attribute("data-candidates").split()[1]
    picked = desk.decide("2")
    desk.is_saved()
    assert desk.now(picked)["final_code"] == int(second)


def test_a_category_is_searched_and_enter_accepts_with_it(desk: Desk) -> None:
    searched = desk.shown
    desk.press("/")
    desk.page.keyboard.type("papeterie")
    expect(desk.page.locator("#search").get_by_role("option")).to_have_text("Stationery 2522 · Home")
    desk.press("Enter")
    desk.is_saved()
    assert desk.now(searched)["final_code"] == 2522
    assert desk.shown != searched


def test_the_guideline_is_that_of_the_category_one_thinks_of(desk: Desk) -> None:
    title = desk.page.locator("#guide-title")
    expect(title).to_have_text(re.compile("^Guideline: "))
    desk.press("/")
    desk.page.keyboard.type("papeterie")
    expect(desk.page.locator("#search").get_by_role("option")).to_have_count(1)
    desk.press("ArrowDown")
    expect(title).to_have_text("Guideline: Stationery")
    desk.press("Escape")
    expect(title).not_to_have_text("Guideline: Stationery")


def test_escape_leaves_the_search_and_decides_nothing(desk: Desk) -> None:
    searched = desk.shown
    desk.press("/")
    desk.page.keyboard.type("papeterie")
    desk.press("Escape")
    expect(desk.page.locator(f"{STAGE} h2")).to_be_focused()
    assert desk.shown == searched
    assert desk.now(searched)["status"] == "pending"


def test_a_rejection_takes_its_reason_by_number(desk: Desk) -> None:
    rejected = desk.decide("r", "2")
    desk.is_saved()
    history = desk.shop.http.get(f"/predictions/{rejected}/history", headers=desk.reviewer.headers).json()["items"]
    assert desk.now(rejected)["status"] == "rejected"
    assert history[-1]["reason"] == "The product cannot be recognised"


def test_a_rejection_takes_a_reason_in_one_s_own_words(desk: Desk) -> None:
    desk.press("r")
    desk.page.get_by_label("Another reason").focus()
    desk.page.keyboard.type("2 shoes, 1 box")
    rejected = desk.decide("Enter")
    desk.is_saved()
    history = desk.shop.http.get(f"/predictions/{rejected}/history", headers=desk.reviewer.headers).json()["items"]
    assert history[-1]["reason"] == "2 shoes, 1 box"


def test_escape_leaves_the_rejection_and_decides_nothing(desk: Desk) -> None:
    shown = desk.shown
    desk.press("r", "Escape")
    expect(desk.page.get_by_role("dialog")).to_have_count(0)
    assert (desk.shown, desk.now(shown)["status"]) == (shown, "pending")


def test_what_is_skipped_stays_for_others(desk: Desk) -> None:
    skipped = desk.decide("s")
    desk.is_saved()
    assert (desk.now(skipped)["status"], desk.actions_on(skipped)) == ("pending", [])


def test_a_key_that_is_held_down_decides_once(desk: Desk) -> None:
    first = desk.decide("Enter")
    second = desk.shown
    # Playwright's second "down" without an "up" is what a keyboard sends while a key is held.
    desk.page.keyboard.down("Enter")
    desk.page.keyboard.down("Enter")
    desk.page.keyboard.down("Enter")
    desk.page.keyboard.up("Enter")
    desk.is_saved()
    assert [desk.now(one)["status"] for one in (first, second, desk.shown)] == ["validated", "validated", "pending"]


# --- undo -------------------------------------------------------------------------------------------------------------


def test_undo_goes_back_through_what_was_decided_and_shows_it_again(desk: Desk) -> None:
    accepted, rejected, skipped = desk.decide("Enter"), desk.decide("r", "1"), desk.decide("s")
    desk.is_saved()
    shown = []
    for _ in range(3):
        desk.press("u")
        shown.append(desk.shown)
    desk.is_saved()
    assert shown == [skipped, rejected, accepted]
    assert [desk.now(one)["status"] for one in shown] == ["pending"] * 3
    assert desk.actions_on(accepted) == ["validate", "undo"]


def test_what_was_undone_is_decided_anew(desk: Desk) -> None:
    again = desk.decide("Enter")
    desk.press("u")
    assert desk.decide("r", "3") == again
    desk.is_saved()
    assert (desk.now(again)["status"], desk.actions_on(again)) == ("rejected", ["validate", "undo", "reject"])


def test_undoing_what_was_not_sent_yet_sends_nothing(desk: Desk) -> None:
    held: list[Route] = []
    desk.page.route("**/predictions/*/validate", lambda route: held.append(route), times=1)
    first = desk.decide("Enter")
    second = desk.decide("Enter")
    desk.press("u")
    assert desk.shown == second
    wait_for(desk.page, held)
    held[0].continue_()
    desk.is_saved()
    assert (desk.actions_on(first), desk.actions_on(second)) == (["validate"], [])


def wait_for(page: Page, held: list[Route]) -> None:
    """Let the browser go on until a request is held."""
    while not held:
        page.wait_for_timeout(10)


def test_undo_says_so_when_there_is_nothing_to_undo(desk: Desk) -> None:
    desk.press("u")
    expect(desk.page.get_by_text("Nothing to undo yet.")).to_be_visible()


def test_what_is_on_its_way_to_the_training_data_is_not_undone_and_that_is_said(desk: Desk) -> None:
    ingested = desk.decide("Enter")
    desk.is_saved()
    desk.shop.append(f"undo-{ingested}")
    desk.press("u")
    expect(desk.page.get_by_role("alert")).to_contain_text("It is on its way into the training data")
    desk.is_saved()
    assert desk.actions_on(ingested) == ["validate"]
    assert desk.shown != ingested


# --- others at work ---------------------------------------------------------------------------------------------------


def test_a_product_that_somebody_else_decided_is_told_of_and_theirs_stands(desk: Desk) -> None:
    other = desk.shop.hire("reviewer")
    shown = desk.shown
    assert desk.shop.decide(other, shown, accept=True, prdtypecode=2522).status_code == 200
    desk.decide("r", "1")
    notice = desk.page.get_by_role("alert").filter(has_text=other.username)
    expect(notice).to_contain_text("Stationery")
    desk.is_saved()
    assert (desk.now(shown)["final_code"], desk.actions_on(shown)) == (2522, ["validate"])
    assert desk.now(desk.decide("Enter"))["id"] != shown


def test_a_product_whose_code_a_colleague_changed_is_looked_at_again(desk: Desk) -> None:
    other = desk.shop.hire("reviewer")
    shown = desk.shown
    changed = desk.shop.http.patch(f"/predictions/{shown}", json={"prdtypecode": 2522}, headers=other.headers)
    assert changed.status_code == 200
    desk.decide("Enter")
    desk.page.get_by_role("button", name="Look again").press("Enter")
    expect(desk.page.locator(f'{STAGE}[data-id="{shown}"]')).to_contain_text("A colleague has put Stationery")
    assert desk.decide("Enter") == shown
    desk.is_saved()
    assert desk.now(shown)["final_code"] == 2522


def test_two_reviewers_are_never_shown_the_same_product(shop: Etalon, visit: Visits, desk: Desk) -> None:
    other = shop.hire("reviewer")
    second = Desk(visit(other, "/review?order=newest"), shop, other)
    mine, theirs = set(), set()
    for _ in range(2):
        mine.add(desk.decide("Enter"))
        theirs.add(second.decide("Enter"))
    assert not mine & theirs


def test_what_was_loaded_is_free_for_others_when_the_desk_is_left(shop: Etalon, visit: Visits) -> None:
    here, gone = shop.hire("reviewer"), shop.hire("reviewer")
    book = shop.predict(shop.hire("customer"), "un livre de contes pour les enfants, avec de belles images")
    desk = Desk(visit(gone, "/review?language=fr"), shop, gone)
    assert desk.shown == book
    assert next_in_french(desk, here) is None
    desk.page.goto("/account")
    # The page is gone when its last request arrives; the lease itself would hold for minutes.
    offered = (next_in_french(desk, here) for _ in range(200) if desk.page.wait_for_timeout(50) is None)
    assert next(filter(None, offered)) == book


def next_in_french(desk: Desk, reviewer: Caller) -> str | None:
    """What the service offers somebody else next."""
    answer = desk.shop.http.get("/review/next?language=fr", headers=reviewer.headers)
    return str(answer.json()["id"]) if answer.status_code == 200 else None


def test_the_grid_of_a_product_s_category_is_one_key_away(desk: Desk) -> None:
    code = desk.page.locator(STAGE).get_attribute("data-code")
    desk.press("g")
    desk.page.wait_for_url(re.compile(rf"/review/grid\?.*code={code}\b"))


# --- when saving is not so easy ---------------------------------------------------------------------------------------


def test_what_is_decided_without_a_connection_is_kept_and_saved_once(desk: Desk) -> None:
    desk.page.context.set_offline(True)
    decided = [desk.decide("Enter"), desk.decide("2")]
    expect(desk.page.get_by_text("No connection: 2 decisions not saved yet")).to_be_visible()
    assert [desk.now(one)["status"] for one in decided] == ["pending", "pending"]
    desk.page.context.set_offline(False)
    desk.is_saved()
    assert [desk.actions_on(one) for one in decided] == [["validate"], ["validate"]]


def test_a_decision_whose_answer_is_lost_is_made_once(desk: Desk) -> None:
    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort("failed")

    desk.page.route("**/predictions/*/validate", lose_the_answer, times=1)
    decided = desk.decide("Enter")
    desk.is_saved()
    assert desk.actions_on(decided) == ["validate"]


def test_what_is_not_saved_asks_before_it_is_left_and_outlives_a_reload(desk: Desk) -> None:
    desk.page.route("**/predictions/*/validate", lambda route: route.abort("failed"))
    decided = desk.decide("Enter")
    expect(desk.page.get_by_text("No connection: 1 decision not saved yet")).to_be_visible()
    desk.page.unroute("**/predictions/*/validate")
    asked: list[str] = []
    desk.page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    desk.page.reload()
    desk.is_saved()
    assert asked == ["beforeunload"]
    assert desk.actions_on(decided) == ["validate"]
    assert desk.shown != decided


def test_a_session_that_ends_asks_for_the_password_and_goes_on(desk: Desk) -> None:
    desk.page.context.clear_cookies(name="etalon_session")
    decided = desk.decide("Enter")
    expect(desk.page.get_by_role("dialog")).to_be_visible()
    desk.page.keyboard.type("correct horse battery")
    desk.press("Enter")
    desk.is_saved()
    assert desk.actions_on(decided) == ["validate"]
    expect(desk.page.get_by_role("dialog")).to_have_count(0)
    desk.decide("Enter")


# --- what is asked for ------------------------------------------------------------------------------------------------


def test_a_filter_stands_in_the_address_and_goes_with_the_back_button(desk: Desk) -> None:
    page = desk.page
    page.locator("#filters summary").press("Enter")
    page.get_by_label("Category", exact=True).select_option("50")
    page.wait_for_url(re.compile(r"[?&]code=50\b"))
    expect(page.get_by_text("Nothing is left to decide here.")).to_be_visible()
    page.go_back()
    expect(page.locator(STAGE)).to_be_visible()
    expect(page.get_by_label("Category", exact=True)).to_have_value("")


def test_only_what_the_address_asks_for_is_shown(shop: Etalon, visit: Visits) -> None:
    seller, reviewer = shop.hire("customer"), shop.hire("reviewer")
    lamp = shop.predict(seller, "a table lamp in dispute")
    objection = {"kind": "disputed", "reason": "It is a toy"}
    answer = shop.http.post(f"/predictions/{lamp}/feedback", json=objection, headers=seller.headers)
    assert answer.status_code == 200, answer.text
    disputed = Desk(visit(reviewer, "/review?feedback=disputed"), shop, reviewer)
    expect(disputed.page.locator(STAGE)).to_contain_text("It is a toy")
    assert disputed.shown == lamp


def test_what_is_left_is_counted_down(desk: Desk) -> None:
    left, today = desk.page.locator("#standing-matching"), desk.page.locator("#standing-today")
    expect(today).to_have_text("0")
    before = int(left.inner_text())
    desk.decide("Enter")
    desk.decide("s")
    expect(today).to_have_text("1")
    expect(left).to_have_text(str(before - 2))


def test_where_nothing_is_left_the_last_decision_can_still_be_undone(shop: Etalon, visit: Visits) -> None:
    reviewer = shop.hire("reviewer")
    lamp = shop.predict(shop.hire("customer"), "eine Tischlampe aus Holz für das Wohnzimmer und die Küche")
    desk = Desk(visit(reviewer, "/review?language=de"), shop, reviewer)
    desk.decide("Enter")
    expect(desk.page.get_by_text("Nothing is left to decide here.")).to_be_visible()
    expect(desk.page.locator("#actions [data-do=accept]")).to_be_hidden()
    desk.press("Enter", "2", "s", "u")
    assert desk.shown == lamp
    desk.is_saved()
    assert desk.actions_on(lamp) == ["validate", "undo"]


# --- looking ----------------------------------------------------------------------------------------------------------


def test_a_description_is_shown_as_text_and_as_it_was_sent(shop: Etalon, visit: Visits) -> None:
    sent = "<ul><li>&Eacute;diteur : Seuil</li><li>Un livre pour les enfants</li></ul>"
    shop.predict(shop.hire("customer"), "un livre pour les enfants et leurs parents", description=sent)
    page = visit(shop.hire("reviewer"), "/review?language=fr&order=newest")
    description = page.locator(f"{STAGE} .description")
    expect(description.first).to_have_text("• Éditeur : Seuil • Un livre pour les enfants")
    page.get_by_text("The description as it was sent").press("Enter")
    expect(description.last).to_have_text(sent)


def test_the_photo_is_enlarged_and_put_back_by_one_key(desk: Desk) -> None:
    shown = desk.shown
    desk.press("z")
    expect(desk.page.get_by_role("dialog", name="Enlarge")).to_be_visible()
    desk.press("z")
    expect(desk.page.get_by_role("dialog")).to_have_count(0)
    assert desk.shown == shown


def test_all_keys_are_told_of(desk: Desk) -> None:
    desk.press("?")
    expect(desk.page.get_by_role("dialog", name="Keys of the desk")).to_contain_text("Undo the last decision")
    desk.press("Enter")
    expect(desk.page.get_by_role("dialog")).to_have_count(0)


def test_evidence_opens_and_closes_by_key_and_stays_so(desk: Desk) -> None:
    evidence = desk.page.locator("#evidence")
    expect(evidence).to_have_attribute("open", "")
    desk.press("e")
    expect(evidence).not_to_have_attribute("open", "")
    desk.page.reload()
    expect(desk.page.locator(STAGE)).to_be_visible()
    expect(evidence).not_to_have_attribute("open", "")


@pytest.mark.parametrize(
    ("language", "width", "scheme"), [("en", 1280, "light"), ("fr", 360, "dark"), ("fr", 1280, "light")]
)
def test_everybody_can_read_the_desk(shop: Etalon, visit: Visits, language: str, width: int, scheme: str) -> None:
    shop.predict(shop.hire("customer"), "a book of tales", description="Tales <b>for</b> children")
    page = visit(shop.hire("reviewer"), "/review", language=language, width=width, scheme=scheme)
    expect(page.locator(STAGE)).to_be_visible()
    check_axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
