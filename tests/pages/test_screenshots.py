"""Pictures of the five pages as the README shows them: ``make screenshots`` keeps them, other runs throw them away."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.api.people import Caller
from tests.api.service import Etalon, empty_database
from tests.pages import stock
from tests.pages.assortment import TAXONOMY
from tests.pages.market import TEMPERATURE, Market
from tests.pages.visits import Visits, settle

MOST_BYTES = 200_000
People = dict[str, Caller]


@pytest.fixture(scope="module")
def shop(photo: bytes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etalon]:
    """A shop whose model knows a market's words."""
    folder = tmp_path_factory.mktemp("market")
    known = {"known": stock.learnt_words(), "temperature": TEMPERATURE}
    with Etalon(folder, empty_database(folder), photo, taxonomy=TAXONOMY, **known) as running:
        yield running


@pytest.fixture(scope="module")
def market(shop: Etalon) -> Market:
    return Market(shop, np.random.default_rng(11))


@pytest.fixture(scope="module")
def people(market: Market) -> People:
    """The shop with labelled products, a challenger, and two dozen products that wait."""
    goods = stock.goods(132)
    market.stock(goods[:108])
    hired = market.hire()
    for good in goods[108:]:
        market.send(hired["customer"], good)
    return hired


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the pictures go."""
    asked = os.environ.get("SCREENSHOTS")
    return Path(asked).absolute() if asked else tmp_path_factory.mktemp("pictures")


def take(page: Page, folder: Path, name: str) -> None:
    """A picture of the window, small enough for the README."""
    settle(page)
    page.wait_for_timeout(300)  # what fades in has faded in
    page.mouse.move(0, 0)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.webp"
    Image.open(io.BytesIO(page.screenshot(animations="disabled"))).save(path, quality=88, method=6)
    assert 5_000 < path.stat().st_size < MOST_BYTES


def test_the_seller_s_page(visit: Visits, people: People, folder: Path, tmp_path: Path) -> None:
    good = stock.goods(139)[-1]
    (tmp_path / "photo.jpg").write_bytes(good.photo)
    page = visit(people["customer"], "/", height=860)
    page.get_by_label("Title").fill(good.designation)
    page.get_by_label("Description").fill(good.description)
    page.locator("#photo").set_input_files(tmp_path / "photo.jpg")
    page.locator("#send").click()
    expect(page.locator("[data-answer-label]")).to_be_visible()
    take(page, folder, "seller")


def test_the_review_desk(visit: Visits, market: Market, people: People, folder: Path) -> None:
    market.wait_for_evidence(market.send(people["customer"], stock.goods(158)[-1]), people["reviewer"])
    page = visit(people["reviewer"], "/review?order=newest", height=1000)
    page.wait_for_selector("#evidence li img")
    take(page, folder, "review")


def test_the_models_page(visit: Visits, market: Market, people: People, folder: Path) -> None:
    version = market.judge(stock.goods(12))
    page = visit(people["admin"], f"/models/{version}/page", height=1000)
    expect(page.locator("main table").first).to_be_visible()
    take(page, folder, "models")


def test_the_users_page(visit: Visits, people: People, folder: Path) -> None:
    page = visit(people["admin"], "/users", language="fr", height=620)
    expect(page.locator("main")).to_contain_text("camille.dubois")
    take(page, folder, "users")


def test_the_monitor(visit: Visits, market: Market, people: People, folder: Path) -> None:
    market.live(people["customer"], people["reviewer"])
    page = visit(people["reviewer"], "/monitor", scheme="dark", height=1000)
    expect(page.locator("canvas").first).to_be_visible()
    take(page, folder, "monitor")
