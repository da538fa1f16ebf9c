"""One's own products: what became of them, what is said of them, and how to be rid of them."""

import re

import pytest
from playwright.sync_api import expect

from tests.api.people import Caller
from tests.api.service import Etalon
from tests.pages.selling import sent_by, tab_to
from tests.pages.visits import Visits

GAMES = 40
SCRIPT = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"


@pytest.fixture
def seller(shop: Etalon) -> Caller:
    return shop.hire("customer")


def test_whoever_has_sent_nothing_is_told_how_to_begin(visit: Visits, seller: Caller) -> None:
    page = visit(seller, "/products")
    expect(page.locator(".empty")).to_contain_text("You have not sent any product yet.")
    page.get_by_role("link", name="Classify the first one").press("Enter")
    expect(page.get_by_label("Title")).to_be_focused()


def test_one_s_products_are_listed_with_what_became_of_them(visit: Visits, shop: Etalon, seller: Caller) -> None:
    reviewer = shop.hire("reviewer")
    shop.predict(shop.hire("customer"), "somebody else's lamp")
    waiting = shop.predict(seller, "a table lamp")
    corrected, rejected = shop.predict(seller, "a book of tales"), shop.predict(seller, "a board game")
    assert shop.decide(reviewer, corrected, accept=True, prdtypecode=GAMES).status_code == 200
    assert shop.decide(reviewer, rejected, accept=False, reason="no such game").status_code == 200
    page = visit(seller, "/products")
    rows = page.locator(".product")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("Rejected")
    expect(rows.nth(1)).to_contain_text("Corrected")
    expect(rows.nth(1)).to_contain_text("Final category:")
    expect(rows.nth(2)).to_contain_text("Waiting for review")
    page.get_by_label("Status").select_option("rejected")
    expect(rows).to_have_count(1)
    assert page.url.endswith("/products?status=rejected")
    page.get_by_role("link", name="a board game").press("Enter")
    expect(page.locator(".history")).to_contain_text("no such game")
    expect(page.locator("body")).not_to_contain_text(reviewer.username)
    page.goto("/products?status=archived")
    expect(page.locator(".empty")).to_contain_text("None of your products stands there.")
    page.goto(f"/products/{waiting}")
    expect(page.locator("#learnt")).to_contain_text("Nothing: it is not in the training data.")


def test_more_products_are_shown_and_the_keyboard_goes_on_among_them(
    visit: Visits, shop: Etalon, seller: Caller
) -> None:
    for number in range(22):
        shop.predict(seller, f"a table lamp {number}")
    page = visit(seller, "/products")
    expect(page.locator(".product")).to_have_count(20)
    page.get_by_role("button", name="Show more").press("Enter")
    expect(page.locator(".product")).to_have_count(22)
    expect(page.get_by_role("link", name=re.compile("a table lamp 1$"))).to_be_focused()
    expect(page.get_by_role("button", name="Show more")).to_have_count(0)


def test_a_decided_product_is_disputed_from_its_own_page(visit: Visits, shop: Etalon, seller: Caller) -> None:
    product = shop.predict(seller, "a table lamp")
    assert shop.decide(shop.hire("reviewer"), product, accept=False).status_code == 200
    page = visit(seller, f"/products/{product}")
    expect(page.get_by_role("button", name="That is right")).to_have_count(0)
    tab_to(page, "Dispute")
    page.keyboard.press("Enter")
    page.keyboard.type("it is a lamp")
    tab_to(page, "Dispute")
    page.keyboard.press("Enter")
    expect(page.locator("[data-said]")).to_contain_text("it is a lamp")
    assert sent_by(shop, seller)[0].feedback == "disputed"


def test_a_word_that_comes_too_late_is_told_and_the_product_shown_as_it_stands(
    visit: Visits, shop: Etalon, seller: Caller
) -> None:
    product = shop.predict(seller, "a table lamp")
    page = visit(seller, f"/products/{product}")
    assert shop.decide(shop.hire("reviewer"), product, accept=False).status_code == 200
    page.get_by_role("button", name="That is right").press("Enter")
    expect(page.get_by_role("button", name="That is right")).to_have_count(0)
    expect(page.locator("#toasts")).to_contain_text("changed this product meanwhile")
    assert sent_by(shop, seller)[0].feedback is None


def test_a_product_is_deleted_after_a_question(visit: Visits, shop: Etalon, seller: Caller) -> None:
    product = shop.predict(seller, "a table lamp")
    page = visit(seller, f"/products/{product}")
    delete = page.get_by_role("button", name="Delete this product")
    delete.press("Enter")
    page.keyboard.press("Escape")
    assert len(sent_by(shop, seller)) == 1
    delete.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator(".empty")).to_be_visible()
    assert sent_by(shop, seller) == []


def test_a_product_in_the_training_data_says_what_it_is_used_for(visit: Visits, shop: Etalon, seller: Caller) -> None:
    product = shop.predict(seller, f"a table lamp of {seller.username}")
    assert shop.decide(shop.hire("reviewer"), product, accept=True).status_code == 200
    shop.append(f"run-{seller.username}")
    page = visit(seller, f"/products/{product}")
    expect(page.locator("h1 + p")).to_contain_text("In the training data")
    expect(page.locator("#learnt")).not_to_contain_text("not in the training data")
    expect(page.locator("#learnt p")).not_to_have_count(0)


def test_another_s_product_is_no_page(visit: Visits, shop: Etalon, seller: Caller) -> None:
    product = shop.predict(shop.hire("customer"), "somebody else's lamp")
    page = visit(seller, f"/products/{product}")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")


def test_a_script_in_a_product_is_text_wherever_it_is_shown(visit: Visits, shop: Etalon, seller: Caller) -> None:
    shop.predict(seller, f"a lamp {SCRIPT}", description=SCRIPT)
    page = visit(seller, "/products")
    link = page.get_by_role("link", name="a lamp")
    expect(link).to_have_text(f"a lamp {SCRIPT}")
    link.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"a lamp {SCRIPT}")
    expect(page.locator("[data-as-sent]")).to_have_text(SCRIPT)
    assert "owned" not in page.title().split(SCRIPT)[0]


def test_a_description_is_shown_for_reading_and_as_it_was_sent(visit: Visits, shop: Etalon, seller: Caller) -> None:
    sent = "<p>Un &eacute;diteur</p><ul><li>bleu<li>3 &lt; 5</ul>"
    page = visit(seller, f"/products/{shop.predict(seller, 'a table lamp', description=sent)}")
    assert page.locator(".lines").first.inner_text().splitlines() == ["Un éditeur", "• bleu", "• 3 < 5"]
    page.get_by_text("As it was sent").click()
    expect(page.locator("[data-as-sent]")).to_have_text(sent)


def test_a_part_that_cannot_be_loaded_says_so(visit: Visits, shop: Etalon, seller: Caller) -> None:
    product = shop.predict(seller, "a table lamp")
    page = visit(seller, "/products")
    refusal = {"status": 429, "content_type": "application/problem+json", "body": "{}"}
    page.route("**/learnt", lambda route: route.fulfill(**refusal))
    page.get_by_role("link", name="a table lamp").press("Enter")
    page.wait_for_url(f"**/products/{product}")
    expect(page.locator("#learnt")).to_have_text("This part of the page could not be loaded.")
