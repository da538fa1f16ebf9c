"""What the tests of the seller's pages do and look at."""

from playwright.sync_api import Page, expect

from core.db.models import Prediction
from tests.api.people import Caller
from tests.api.service import Etalon


def sent_by(shop: Etalon, seller: Caller) -> list[Prediction]:
    """What arrived, oldest first."""
    rows = [row for row in shop.rows(Prediction) if row.owner_id == seller.id]
    return sorted(rows, key=lambda row: row.id)


def answer_of(page: Page) -> str:
    """The category that is answered, once it is."""
    label = page.locator("[data-answer-label]")
    label.wait_for()
    return label.inner_text()


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


def type_title(page: Page, title: str) -> None:
    """The title's field has the keyboard when the page opens."""
    expect(page.get_by_label("Title")).to_be_focused()
    page.keyboard.type(title)
