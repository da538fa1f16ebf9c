"""The seller's pages: a product goes in by keyboard, photo and all; its answer can be confirmed, bettered, disputed."""

import base64
import io
import re
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from core.db.models import Prediction
from core.reserve import Spare, encode
from preprocessing.images import ImageFolder, sanitise
from tests.api.people import Caller
from tests.api.service import Etalon
from tests.pages.accessibility import check_axe
from tests.pages.visits import Visits

GAMES, DECORATION = 40, 2060
SCRIPT = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"


@pytest.fixture
def seller(shop: Etalon) -> Caller:
    return shop.hire("customer")


@pytest.fixture
def reserve(shop: Etalon, photo: bytes) -> Iterator[str]:
    """One product to suggest, with a photo; its title."""
    clean = sanitise(photo, max_bytes=10**6, max_pixels=10**6)
    ImageFolder(shop.store.reserve / "images").put(clean)
    spare = Spare("1", "a board game of the reserve", "for four & more", clean.sha256)
    (shop.store.reserve / "products.csv").write_bytes(encode([spare]))
    yield spare.designation
    (shop.store.reserve / "products.csv").unlink()


def sent_by(shop: Etalon, seller: Caller) -> list[Prediction]:
    """What arrived, oldest first."""
    rows = [row for row in shop.rows(Prediction) if row.owner_id == seller.id]
    return sorted(rows, key=lambda row: row.id)


def type_title(page: Page, title: str) -> None:
    """The title's field has the keyboard when the page opens."""
    expect(page.get_by_label("Title")).to_be_focused()
    page.keyboard.type(title)


def answer_of(page: Page) -> str:
    """The category that is answered, once it is."""
    label = page.locator("[data-answer-label]")
    label.wait_for()
    return label.inner_text()


def press(page: Page, key: str, times: int = 1) -> None:
    for _ in range(times):
        page.keyboard.press(key)


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what is called ``name`` has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "() => { const e = document.activeElement;"
            " return (e.labels?.[0]?.textContent || e.ariaLabel || e.textContent || '').trim(); }"
        )
        if focused.startswith(name):
            return
    raise AssertionError(f"Tab never comes to {name!r}")


def give_file(page: Page, event: str, content: bytes, name: str = "photo.jpg") -> None:
    """Let a file be dropped on the page or pasted into it."""
    page.evaluate(
        """([event, data, name]) => {
            const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
            const held = new DataTransfer();
            held.items.add(new File([bytes], name, { type: "image/jpeg" }));
            const made = event === "paste"
                ? new ClipboardEvent("paste", { clipboardData: held, bubbles: true, cancelable: true })
                : new DragEvent("drop", { dataTransfer: held, bubbles: true, cancelable: true });
            document.body.dispatchEvent(made);
        }""",
        [event, base64.b64encode(content).decode(), name],
    )


# --- asking -----------------------------------------------------------------------------------------------------------


def test_a_product_with_its_photo_is_classified_by_keyboard_alone(
    visit: Visits, shop: Etalon, seller: Caller, photo: bytes
) -> None:
    page = visit(seller, "/")
    type_title(page, "a board game")
    tab_to(page, "Description")
    page.keyboard.type("for four")
    tab_to(page, "Choose a photo")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files({"name": "game.jpg", "mimeType": "image/jpeg", "buffer": photo})
    expect(page.locator("#photo-name")).to_contain_text("game.jpg")
    tab_to(page, "Classify")
    page.keyboard.press("Enter")
    assert "games" in answer_of(page).lower()
    expect(page.locator("[data-answer-label]")).to_be_focused()
    expect(page.locator(".candidates li")).to_have_count(3)
    expect(page.locator(".halves")).to_contain_text("release 1")
    (row,) = sent_by(shop, seller)
    assert (row.designation, row.description, row.modality) == ("a board game", "for four", "text+image")


def test_an_answer_is_confirmed_by_keyboard(visit: Visits, shop: Etalon, seller: Caller, reserve: str) -> None:
    page = visit(seller, "/")
    tab_backwards_to_suggest(page)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Title")).to_have_value(reserve)
    expect(page.get_by_label("Description")).to_have_value("for four & more")
    expect(page.locator("#photo-preview")).to_be_visible()
    expect(page.locator("#send")).to_be_focused()
    page.keyboard.press("Enter")
    answer_of(page)
    tab_to(page, "That is right")
    page.keyboard.press("Enter")
    expect(page.locator("[data-said]")).to_contain_text("You said that this is right.")
    expect(page.locator("[data-said]")).to_be_focused()
    (row,) = sent_by(shop, seller)
    assert (row.feedback, row.feedback_code, row.modality) == ("confirmed", GAMES, "text+image")
    page.get_by_role("button", name="Suggest a product").press("Enter")
    expect(page.get_by_role("status").filter(has_text="no product left to suggest")).to_be_visible()


def tab_backwards_to_suggest(page: Page) -> None:
    """It stands before the title, which has the keyboard."""
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="Suggest a product")).to_be_focused()


@pytest.mark.parametrize("typed", ["2060", "home deco", "décoration", "DECORATION", "home 2060"])
def test_another_category_is_found_by_code_or_either_label_and_proposed(
    visit: Visits, shop: Etalon, seller: Caller, typed: str
) -> None:
    page = visit(seller, "/")
    type_title(page, "a book of tales")
    page.keyboard.press("Enter")
    answer_of(page)
    tab_to(page, "Propose another category")
    page.keyboard.press("Enter")
    page.keyboard.type(typed)
    expect(page.get_by_role("option").first).to_contain_text("Home decoration")
    page.keyboard.press("Enter")
    expect(page.locator("[data-said]")).to_contain_text("You proposed: Home decoration.")
    (row,) = sent_by(shop, seller)
    assert (row.feedback, row.feedback_code) == ("proposed", DECORATION)


def test_an_answer_is_disputed_with_a_reason_and_the_word_taken_back(
    visit: Visits, shop: Etalon, seller: Caller
) -> None:
    page = visit(seller, "/")
    type_title(page, "a book of tales")
    page.keyboard.press("Enter")
    answer_of(page)
    tab_to(page, "Dispute")
    page.keyboard.press("Enter")
    page.keyboard.type(f"it is a lamp {SCRIPT}")
    tab_to(page, "Dispute")
    page.keyboard.press("Enter")
    expect(page.locator("[data-said]")).to_contain_text(f"it is a lamp {SCRIPT}")
    (row,) = sent_by(shop, seller)
    assert (row.feedback, row.feedback_reason) == ("disputed", f"it is a lamp {SCRIPT}")
    tab_to(page, "Take back")
    page.keyboard.press("Enter")
    expect(page.locator("[data-said]")).to_contain_text("Is that right?")
    assert sent_by(shop, seller)[0].feedback is None


def test_without_a_photo_the_answer_says_that_it_is_the_text_s(visit: Visits, seller: Caller) -> None:
    page = visit(seller, "/")
    type_title(page, "a table lamp")
    page.keyboard.press("Enter")
    answer_of(page)
    expect(page.locator("#answer")).to_contain_text("Answered by the text alone")


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_a_photo_may_be_dropped_or_pasted_and_removed(
    visit: Visits, shop: Etalon, seller: Caller, photo: bytes, event: str
) -> None:
    page = visit(seller, "/")
    give_file(page, event, photo)
    expect(page.locator("#photo-preview")).to_be_visible()
    page.get_by_role("button", name="Remove the photo").press("Enter")
    expect(page.locator("#photo-preview")).to_be_hidden()
    give_file(page, event, photo)
    expect(page.locator("#photo-preview")).to_be_visible()
    page.get_by_label("Title").fill("a table lamp")
    page.get_by_label("Title").press("Enter")
    answer_of(page)
    assert sent_by(shop, seller)[0].image_sha256 is not None


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_a_double_click_and_a_repeated_request_send_one_product(visit: Visits, shop: Etalon, seller: Caller) -> None:
    page = visit(seller, "/")
    type_title(page, "a book of tales")
    page.locator("#send").dblclick()
    answer_of(page)
    page.locator("#send").click()
    expect(page.locator("#answer")).not_to_have_attribute("aria-busy", "true")
    answer_of(page)
    assert len(sent_by(shop, seller)) == 1
    page.get_by_label("Title").fill("a book of tales, the second")
    page.locator("#send").click()
    expect(page.locator("#answer")).not_to_have_attribute("aria-busy", "true")
    answer_of(page)
    assert len(sent_by(shop, seller)) == 2


def test_a_product_needs_a_title_and_says_so_at_its_field(visit: Visits, shop: Etalon, seller: Caller) -> None:
    page = visit(seller, "/")
    page.locator("#send").press("Enter")
    expect(page.get_by_label("Title")).to_be_focused()
    expect(page.get_by_label("Title")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#designation-error")).to_have_text("The product needs a title.")
    page.keyboard.type("\u2800\u2800")  # shows nothing, though it is no blank
    page.keyboard.press("Enter")
    expect(page.locator("#designation-error")).to_contain_text("shows something")
    assert sent_by(shop, seller) == []


def test_a_file_that_is_no_photo_is_told_before_it_is_sent(visit: Visits, seller: Caller) -> None:
    page = visit(seller, "/")
    page.locator("#photo").set_input_files({"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": b"%PDF-1.7 no"})
    expect(page.locator("#photo-error")).to_contain_text("no photo that can be sent")
    big = b"\xff\xd8\xff" + bytes(10 * 1024 * 1024)
    page.locator("#photo").set_input_files({"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": big})
    expect(page.locator("#photo-error")).to_contain_text("It may have 10 MB.")
    page.locator("#photo").set_input_files({"name": "wide.png", "mimeType": "image/png", "buffer": png(3000, 2000)})
    expect(page.locator("#photo-error")).to_contain_text("4 megapixels")
    expect(page.locator("#photo-preview")).to_be_hidden()


def png(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(out, "PNG")
    return out.getvalue()


def test_a_photo_that_the_service_refuses_leaves_the_text_where_it_is(
    visit: Visits, shop: Etalon, seller: Caller, photo: bytes
) -> None:
    page = visit(seller, "/")
    type_title(page, "a table lamp")
    cut_short = photo[: len(photo) * 3 // 4]  # a browser shows what there is of it
    page.locator("#photo").set_input_files({"name": "lamp.jpg", "mimeType": "image/jpeg", "buffer": cut_short})
    expect(page.locator("#photo-preview")).to_be_visible()
    page.locator("#send").press("Enter")
    expect(page.locator("#photo-error")).to_have_text("The file is damaged or is no photo.")
    expect(page.get_by_label("Title")).to_have_value("a table lamp")
    assert sent_by(shop, seller) == []
    page.get_by_role("button", name="Remove the photo").press("Enter")
    page.locator("#send").press("Enter")
    answer_of(page)
    assert len(sent_by(shop, seller)) == 1


def test_a_lost_connection_is_told_and_the_same_product_sent_again(visit: Visits, shop: Etalon, seller: Caller) -> None:
    page = visit(seller, "/")
    type_title(page, "a table lamp")

    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort("failed")

    page.route("**/predict", lose_the_answer, times=1)
    page.keyboard.press("Enter")
    expect(page.locator("#product-error")).to_contain_text("cannot be reached")
    expect(page.get_by_label("Title")).to_have_value("a table lamp")
    page.get_by_label("Title").press("Enter")
    answer_of(page)
    assert len(sent_by(shop, seller)) == 1


def test_a_service_that_asks_for_patience_is_told_kindly(visit: Visits, seller: Caller) -> None:
    page = visit(seller, "/")
    type_title(page, "a table lamp")
    body = '{"status": 429, "code": "account.too_many_requests", "title": "Too many", "detail": "Wait."}'
    refusal = {"status": 429, "headers": {"Retry-After": "2", "Content-Type": "application/problem+json"}, "body": body}
    page.route("**/predict", lambda route: route.fulfill(**refusal), times=1)
    page.keyboard.press("Enter")
    expect(page.locator("#product-error")).to_contain_text("What you entered is still here")
    page.get_by_label("Title").press("Enter")
    answer_of(page)
    expect(page.locator("#product-error")).to_be_hidden()


def test_a_script_in_a_product_is_text_wherever_it_is_shown(visit: Visits, shop: Etalon, seller: Caller) -> None:
    shop.predict(seller, f"a lamp {SCRIPT}", description=SCRIPT)
    page = visit(seller, "/products")
    link = page.get_by_role("link", name="a lamp")
    expect(link).to_have_text(f"a lamp {SCRIPT}")
    link.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"a lamp {SCRIPT}")
    expect(page.locator(".as-sent")).to_have_text(SCRIPT)
    assert "owned" not in page.title().split(SCRIPT)[0]


# --- one's own products -----------------------------------------------------------------------------------------------


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


# --- every reader -----------------------------------------------------------------------------------------------------


def test_the_pages_are_in_french(visit: Visits, shop: Etalon, seller: Caller) -> None:
    page = visit(seller, "/", language="fr")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    page.get_by_label("Titre").fill("a table lamp")
    page.get_by_label("Titre").press("Enter")
    expect(page.locator("#answer")).to_contain_text("Réponse d’après le texte seul")
    expect(page.locator("#answer")).to_contain_text(re.compile("\\d\u202f%"))
    page.goto("/products")
    expect(page.locator(".product")).to_contain_text("En attente de relecture")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_view_is_accessible_and_fits(
    visit: Visits, shop: Etalon, seller: Caller, scheme: str, width: int
) -> None:
    product = shop.predict(seller, "a table lamp " + "without a space".replace(" ", "") * 12)
    page = visit(seller, "/", width=width, scheme=scheme)
    type_title(page, "a board game")
    page.keyboard.press("Enter")
    answer_of(page)
    page.get_by_role("button", name="Propose another category").press("Enter")
    page.get_by_role("option").first.wait_for()
    for path in (None, "/products", f"/products/{product}", "/products?status=archived"):
        if path is not None:
            page.goto(path)
            page.wait_for_load_state("networkidle")
        check_axe(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{page.url} is wider than {width}"


def test_a_phone_offers_its_camera(visit: Visits, seller: Caller) -> None:
    page = visit(seller, "/", width=360, has_touch=True, is_mobile=True)
    expect(page.locator("label[for=camera]")).to_be_visible()
    expect(page.locator("#camera")).to_have_attribute("capture", "environment")
