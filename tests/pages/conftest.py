"""A shop of its own for every file and database, a browser for the whole run, and visits that end with a verdict."""

import io
import os
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.api.service import Etalon, empty_database
from tests.pages import chromium
from tests.pages.assortment import TAXONOMY, known_words
from tests.pages.visits import Visits


@pytest.fixture(autouse=True)
def _no_settings_leak_in() -> None:
    """The processes here get an environment of their own."""


@pytest.fixture(scope="session")
def photo() -> bytes:
    """A small JPEG of two colours."""
    image = Image.new("RGB", (480, 320), "firebrick")
    image.paste("steelblue", (0, 0, 200, 320))
    out = io.BytesIO()
    image.save(out, "JPEG")
    return out.getvalue()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The distribution's Chromium."""
    path = chromium.program()
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(chromium.ADVICE)
    with sync_playwright() as playwright:
        running = chromium.launch(playwright.chromium, path)
        yield running
        running.close()


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def database(request: pytest.FixtureRequest) -> str:
    """Which database the shop keeps its rows in."""
    return str(request.param)


@pytest.fixture(scope="module")
def shop(
    database: str, photo: bytes, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Etalon]:
    """A running service: the file's own, with the 27 categories."""
    folder = tmp_path_factory.mktemp("shop")
    server = request.getfixturevalue("mariadb_server") if database == "mariadb" else None
    settings = empty_database(folder, server)
    with Etalon(folder, settings, photo, taxonomy=TAXONOMY, known=known_words()) as running:
        yield running


@pytest.fixture
def visit(browser: Browser, shop: Etalon) -> Iterator[Visits]:
    """``visit(person, "/review", language="fr", width=360, scheme="dark")`` is a settled Playwright page.

    At its end the test fails for a request to another host, a breach of the Content-Security-Policy, an error in the
    console, an uncaught exception, a dialog of the browser's, or an answer of 5xx.
    """
    visits = Visits(browser, shop)
    yield visits
    faults = visits.end()
    assert not faults, "\n".join(faults)
