"""A person's visit in a browser of their own, watched for what no page may ever do."""

import re
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, Request, Response

from tests.api.people import PASSWORD, Caller
from tests.api.service import Etalon

LOCALES = {"en": "en-GB", "fr": "fr-FR"}
# A refusal is an answer that pages know how to show; the browser's console calls each one an error.
_REFUSED = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")
_OFFLINE = re.compile(r"Failed to load resource: net::ERR_(INTERNET_DISCONNECTED|CONNECTION_REFUSED|FAILED|ABORTED)")
_LOCAL_SCHEMES = {"blob", "data", "about"}
_PATIENCE_S = 30.0
_FINISH_S = 5.0
_QUIET_FRAMES = 6


@dataclass
class Watch:
    """What happened in a browser that must not.

    Attributes:
        host: the service's ``host:port``; everything else is foreign.
        faults: each in words.
        pending: requests that have not been answered yet.
    """

    host: str
    faults: list[str] = field(default_factory=list)
    pending: set[Request] = field(default_factory=set)

    def over(self, context: BrowserContext) -> None:
        """Watch every page of a browser, those that pages open included."""
        _watches[context] = self
        context.on("request", self._see_request)
        context.on("requestfinished", self._see_end)
        context.on("requestfailed", self._see_end)
        context.on("response", self._see_response)
        context.on("console", self._see_message)
        context.on("weberror", lambda error: self.faults.append(f"uncaught: {error.error}"))
        context.on("dialog", self._see_dialog)

    def let_finish(self, context: BrowserContext) -> None:
        """Wait for what was asked, unless a test holds it back: a desk that is gone would still take the next products.

        The service goes on with a request whose browser has left, and may answer it after the next test has begun.
        """
        deadline, quiet = time.monotonic() + _FINISH_S, 0
        while context.pages and quiet < _QUIET_FRAMES and time.monotonic() < deadline:
            context.pages[0].wait_for_timeout(10)
            quiet = 0 if self.pending else quiet + 1

    def _see_request(self, request: Request) -> None:
        self.pending.add(request)
        there = urlsplit(request.url)
        if there.scheme not in _LOCAL_SCHEMES and there.netloc != self.host:
            self.faults.append(f"asked another host: {request.url}")

    def _see_end(self, request: Request) -> None:
        self.pending.discard(request)

    def _see_response(self, response: Response) -> None:
        path = urlsplit(response.url).path
        if response.status >= 500 or (response.status == 404 and path.startswith("/static/")):
            self.faults.append(f"{response.status} for {response.request.method} {path}")

    def _see_dialog(self, dialog: Dialog) -> None:
        # Asking before something unsaved is left is right; the test that provoked it answers.
        if dialog.type != "beforeunload":
            self.faults.append(f"dialog: {dialog.message}")
            dialog.dismiss()

    def _see_message(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not (_REFUSED.match(message.text) or _OFFLINE.match(message.text)):
            self.faults.append(f"console: {message.text}")


_watches: WeakKeyDictionary[BrowserContext, Watch] = WeakKeyDictionary()


@dataclass
class Visits:
    """Opens pages as different people see them.

    Attributes:
        browser: the running Chromium.
        shop: the service.
    """

    browser: Browser
    shop: Etalon
    watches: list[Watch] = field(default_factory=list)
    _contexts: list[BrowserContext] = field(default_factory=list)

    def __call__(
        self,
        person: Caller | None,
        path: str,
        *,
        language: str = "en",
        width: int = 1280,
        height: int = 900,
        scheme: str = "light",
        script: str = "",
        **settings: Any,
    ) -> Page:
        """A page in a fresh browser, signed in as ``person`` (or not, where that is None) and settled.

        Args:
            person: whose session it is.
            path: what is opened, with its query.
            language: what the browser asks for, ``en`` or ``fr``.
            width: of the window, in pixels.
            height: of the window, in pixels.
            scheme: the system's colours, ``light`` or ``dark``.
            script: of the test's own, run in every page before the page's.
            settings: anything else that Playwright's contexts take.
        """
        context = self._open(language, width, height, scheme, settings)
        if person is not None:
            sign_in(context, self.shop, person.username)
        if script:
            context.add_init_script(script)
        page = context.new_page()
        page.goto(path)
        settle(page)
        return page

    def _open(self, language: str, width: int, height: int, scheme: str, settings: dict[str, Any]) -> BrowserContext:
        chosen = {
            "base_url": self.shop.url,
            "locale": LOCALES[language],
            "timezone_id": "Europe/Paris",
            "viewport": {"width": width, "height": height},
            "color_scheme": scheme,
            "reduced_motion": "reduce",
            "device_scale_factor": 1,
            **settings,
        }
        context = self.browser.new_context(**chosen)
        watch = Watch(urlsplit(self.shop.url).netloc)
        watch.over(context)
        self._contexts.append(context)
        self.watches.append(watch)
        return context

    def end(self) -> list[str]:
        """Close every browser; what happened in one that must not."""
        for context, watch in zip(self._contexts, self.watches, strict=True):
            watch.let_finish(context)
            context.close()
        return [fault for watch in self.watches for fault in watch.faults]


def sign_in(context: BrowserContext, shop: Etalon, username: str, password: str = PASSWORD) -> None:
    """Give a browser the session that the sign-in page would."""
    answer = context.request.post(
        f"{shop.url}/session",
        data={"username": username, "password": password},
        headers={"X-Etalon-Page": "1", "Origin": shop.url},
    )
    assert answer.ok, answer.text()


def settle(page: Page) -> None:
    """Wait until nothing is loading any more: the page, its parts, its photos; then a few frames without a request."""
    page.wait_for_load_state("load")
    watch, deadline, quiet = _watches[page.context], time.monotonic() + _PATIENCE_S, 0
    while quiet < _QUIET_FRAMES:
        assert time.monotonic() < deadline, f"{page.url} still waits for {[one.url for one in watch.pending]}"
        page.evaluate("() => new Promise(requestAnimationFrame)")
        quiet = 0 if watch.pending else quiet + 1
    # A function: a bare expression would be eval'd, which the pages' policy forbids.
    page.wait_for_function("() => document.querySelectorAll('.htmx-request, [aria-busy=true]').length === 0")
