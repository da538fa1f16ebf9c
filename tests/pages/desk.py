"""The review desk as a test works it: what stands on it, and what became of it."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, expect

from tests.api.people import Caller
from tests.api.service import Etalon

STAGE = "#stage > .product"


@dataclass(frozen=True)
class Desk:
    """One reviewer's desk.

    Attributes:
        page: the desk in their browser.
        shop: the service behind it.
        reviewer: who works.
    """

    page: Page
    shop: Etalon
    reviewer: Caller

    @property
    def shown(self) -> str:
        """The id of the product on the stage."""
        return str(self.page.locator(STAGE).get_attribute("data-id"))

    def press(self, *keys: str) -> None:
        """Press keys one after the other, wherever the focus is."""
        for key in keys:
            self.page.keyboard.press(key)

    def decide(self, *keys: str) -> str:
        """Press keys that decide about the product on the stage; its id. The next one is there, or nothing is."""
        decided = self.shown
        self.press(*keys)
        expect(self.page.locator(f'{STAGE}[data-id="{decided}"]')).to_have_count(0)
        return decided

    def is_saved(self) -> None:
        """Wait until the service has answered every decision."""
        expect(self.page.locator("#unsaved")).to_have_attribute("data-count", "0")

    def now(self, prediction_id: str) -> dict[str, Any]:
        """A product as it stands in the service."""
        answer = self.shop.http.get(f"/predictions/{prediction_id}", headers=self.reviewer.headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def actions_on(self, prediction_id: str) -> list[str]:
        """What was done about a product, in order."""
        answer = self.shop.http.get(f"/predictions/{prediction_id}/history", headers=self.reviewer.headers)
        return [one["action"] for one in answer.json()["items"]]
