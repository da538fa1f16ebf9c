"""The distribution's Chromium, driven by Playwright; no browser is ever downloaded."""

import os
import shutil

from playwright.sync_api import Browser, BrowserType

ADVICE = (
    "no Chromium is installed, and the pages must be tested in one. On Debian:\n"
    "    apt-get install chromium\n"
    "(Ubuntu: Google Chrome's package does as well)"
)
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def program() -> str | None:
    """Path of the browser's program."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


def launch(kind: BrowserType, path: str) -> Browser:
    """Start it without a window. It finds no host but this one, and every machine draws alike.

    Chromium's sandbox refuses to run as root, as which tests in a container do; everywhere else it stays.
    """
    arguments = [
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        "--disable-background-networking",
        "--disable-component-update",
        "--force-color-profile=srgb",
        "--font-render-hinting=none",
        "--hide-scrollbars=false",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
    ]
    return kind.launch(executable_path=path, args=arguments, chromium_sandbox=os.geteuid() != 0)
