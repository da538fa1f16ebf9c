"""A product goes in by keyboard, photo and all; its answer can be confirmed, bettered and disputed."""

import base64
import io
import re
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from core.reserve import Spare, encode
from preprocessing.images import ImageFolder, sanitise
from tests.api.people import Caller
from tests.api.service import Etalon
from tests.pages.accessibility import check_axe
from tests.pages.selling import answer_of, sent_by, tab_to, type_title
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
    with page.expect_file_chooser() as chooser:  # from here on: the browser is told without being waited for
        type_title(page, "a board game")
        tab_to(page, "Description")
        page.keyboard.type("for four")
        tab_to(page, "Choose a photo")
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


def test_a_suggestion_replaces_what_was_typed_only_after_a_question(
    visit: Visits, seller: Caller, reserve: str
) -> None:
    page = visit(seller, "/")
    type_title(page, "my own lamp")
    page.get_by_role("button", name="Suggest a product").press("Enter")
    page.keyboard.press("Escape")
    expect(page.get_by_label("Title")).to_have_value("my own lamp")
    page.get_by_role("button", name="Suggest a product").press("Enter")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Title")).to_have_value(reserve)
    expect(page.locator("#photo-preview")).to_be_visible()


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
