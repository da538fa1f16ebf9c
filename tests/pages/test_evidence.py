"""Beside a product: what is labelled already and looks the same, and what belongs into its category."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from inference.appearance import Appearance
from tests.api.service import Etalon
from tests.pages.accessibility import check_axe
from tests.pages.visits import Visits
from tests.toys.labelled import Labelled, embed, put

LABELLED = [
    Labelled("p0", "Roman <b>relié</b>", 10, "red"),
    Labelled("p1", "Lampe de chevet", 2060, "blue"),
    Labelled("p2", "Vase bleu", 2060, "blue"),
    Labelled("p3", "Guirlande", 2060),
    Labelled("secret", "Measured by", 2060, "blue", "holdout"),
]
NAMED = re.compile(r"^Photo: .+ Labelled .+, \d+%\.$")
_PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def stocked(shop: Etalon) -> Etalon:
    """The shop with five labelled products, the features of their photos, and a guideline."""
    put(shop.store, LABELLED)
    embed(shop.store, {"appearance": Appearance()}, only=["appearance"])
    (shop.store.root / "guidelines.csv").write_text(
        "prdtypecode,en,fr\n2060,What makes a room look better.,Ce qui embellit une pièce.\n", encoding="utf-8"
    )
    return shop


def open_desk(shop: Etalon, visit: Visits, **look: object) -> Page:
    """A reviewer's desk with one new product, once the store has been read."""
    prediction_id, reviewer = shop.predict(shop.hire("customer")), shop.hire("reviewer")
    deadline = time.monotonic() + _PATIENCE_S
    while _searched(shop, prediction_id, reviewer.headers) < 4:
        assert time.monotonic() < deadline, "the store was not read"
        time.sleep(0.1)
    return visit(reviewer, "/review?order=newest", **look)


def _searched(shop: Etalon, prediction_id: str, headers: dict[str, str]) -> int:
    answer = shop.http.get(f"/predictions/{prediction_id}/evidence", headers=headers)
    return answer.json()["searched"] if answer.status_code == 200 else 0


def test_the_nearest_labelled_products_are_beside_the_product(stocked: Etalon, visit: Visits) -> None:
    page = open_desk(stocked, visit)
    evidence = page.locator("#evidence")
    expect(evidence.get_by_role("listitem")).to_have_count(3)
    expect(evidence).to_contain_text("Searched: 4 of 4 labelled products.")
    expect(evidence).to_contain_text("Roman <b>relié</b>")
    expect(evidence).not_to_contain_text("Measured by")
    expect(evidence.get_by_role("img").first).to_have_accessible_name(NAMED)


def test_photos_of_labelled_products_are_shown(stocked: Etalon, visit: Visits) -> None:
    page = open_desk(stocked, visit)
    photo = page.locator("#evidence").get_by_role("img").first
    photo.scroll_into_view_if_needed()
    page.wait_for_function("photo => photo.complete && photo.naturalWidth === 224", arg=photo.element_handle())


@pytest.mark.parametrize(("language", "words"), [("en", "What makes a room"), ("fr", "Ce qui embellit une pièce.")])
def test_a_category_is_explained_in_the_reader_s_language(
    stocked: Etalon, visit: Visits, language: str, words: str
) -> None:
    stocked_guide = f"{stocked.url}/review/guide/2060"
    page = open_desk(stocked, visit, language=language)
    html = page.evaluate(
        "async path => (await fetch(path, { headers: { 'HX-Request': 'true' } })).text()", stocked_guide
    )
    assert words in html
    assert html.count("<figure>") == 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_no_fault_in_the_evidence(stocked: Etalon, visit: Visits, width: int, scheme: str) -> None:
    page = open_desk(stocked, visit, width=width, scheme=scheme)
    expect(page.locator("#evidence").get_by_role("listitem")).to_have_count(3)
    check_axe(page, "#evidence")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
