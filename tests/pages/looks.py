"""How a browser may be set: few pairs that together show every language in every colour scheme and at every width."""

from dataclasses import dataclass

import pytest


@dataclass(frozen=True, slots=True)
class Look:
    """A language (``en``, ``fr``), a colour scheme (``light``, ``dark``) and a window's width in pixels."""

    language: str
    scheme: str
    width: int


LOOKS = (Look("en", "light", 1280), Look("fr", "dark", 1280), Look("fr", "light", 360), Look("en", "dark", 360))
in_every_look = pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look.language}-{look.scheme}-{look.width}")
