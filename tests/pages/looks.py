"""How a browser may be set: few pairs that together show every language in every colour scheme and at every width."""

from dataclasses import dataclass

from playwright.sync_api import Page


@dataclass(frozen=True, slots=True)
class Look:
    """A language (``en``, ``fr``), a colour scheme (``light``, ``dark``) and a window's width in pixels."""

    language: str
    scheme: str
    width: int

    def __str__(self) -> str:
        return f"{self.language}-{self.scheme}-{self.width}"


LOOKS = (Look("en", "light", 1280), Look("fr", "dark", 1280), Look("fr", "light", 360), Look("en", "dark", 360))
PHONES = tuple(look for look in LOOKS if look.width == 360)


def too_wide(page: Page) -> list[str]:
    """The elements that reach beyond the window, outermost first."""
    return page.evaluate(
        """() => [...document.querySelectorAll('body *')]
            .filter(one => one.getBoundingClientRect().right > innerWidth + 1)
            .map(one => one.outerHTML.slice(0, 120))"""
    )
