"""Where several models are served, a seller may ask each of them."""

import pytest
from playwright.sync_api import expect

from core.db.repositories import promotions
from preprocessing.images import sanitise
from tests.api.people import Caller
from tests.api.service import Etalon
from tests.integration.api.packaged import TAXONOMY_VERSION, write_tiny_expert
from tests.pages.databases import same_on_any_database
from tests.pages.selling import answer_of, sent_by
from tests.pages.visits import Visits

pytestmark = same_on_any_database


@pytest.fixture
def seller(shop: Etalon) -> Caller:
    """Somebody who finds a second model served: one that looks at photos alone."""
    clean = sanitise(shop.photo, max_bytes=10**6, max_pixels=10**6)
    expert = write_tiny_expert(shop.store.packages, clean.data, "appearance")
    with shop.sessions.begin() as session:
        now = promotions.current(session)
        assert now is not None
        promotions.promote(
            session,
            expected_epoch=now.epoch,
            models={"fusion": shop.model, "appearance": expert},
            actor="test",
            reason="a test",
            kind="companion",
            gate_report=None,
            run_id=None,
            manifest=1,
            taxonomy_version=TAXONOMY_VERSION,
        )
    return shop.hire("customer")


def test_a_model_of_photos_is_asked_without_a_title(visit: Visits, shop: Etalon, seller: Caller, photo: bytes) -> None:
    page = visit(seller, "/")
    page.wait_for_function(
        "async () => (await (await fetch('/', {headers: {Accept: 'text/html'}})).text()).includes('appearance')"
    )
    page.reload()
    page.get_by_label("Model").select_option("appearance")
    page.locator("#photo").set_input_files({"name": "lamp.jpg", "mimeType": "image/jpeg", "buffer": photo})
    expect(page.locator("#photo-preview")).to_be_visible()
    page.locator("#send").press("Enter")
    answer_of(page)
    expect(page.locator("#answer")).to_contain_text("Answered by the photo alone")
    expect(page.locator(".halves")).to_contain_text("appearance, release 2")
    page.get_by_label("Model").select_option("")
    page.locator("#send").press("Enter")
    expect(page.locator("#designation-error")).to_have_text("The product needs a title.")
    (row,) = sent_by(shop, seller)
    assert (row.model_name, row.designation, row.modality) == ("appearance", "", "image-only")
    page.goto(f"/products/{row.id}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Without a title")
