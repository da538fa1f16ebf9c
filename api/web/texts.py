"""The words of the pages, in English and French, and numbers and times as each language writes them."""

import functools
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from babel.numbers import format_decimal, format_percent
from markupsafe import Markup

Language = Literal["en", "fr"]
LANGUAGES: tuple[Language, ...] = ("en", "fr")
_FOLDER = Path(__file__).parent / "texts"
_DIGITS = "0" * 6


class Texts:
    """Every text in one language. A key is ``file.entry``, as in ``review.accept``.

    An entry is a text with ``{places}``, or a table of ``one`` and ``other`` that ``n`` chooses from: French says *one*
    of 0 as well.
    """

    def __init__(self, language: Language) -> None:
        self.language = language
        self._entries = {
            file.stem: tomllib.loads(file.read_text(encoding="utf-8")) for file in (_FOLDER / language).glob("*.toml")
        }

    def __call__(self, key: str, **values: Any) -> str:
        """The text under a key, its places filled; numbers are written as the language does.

        Raises:
            KeyError: there is no such text, or a place in it is not filled.
        """
        file, _, entry = key.partition(".")
        text = self._entries[file][entry]
        if isinstance(text, dict):
            text = text["one" if self.is_one(values["n"]) else "other"]
        return text.format_map({name: self._shown(value) for name, value in values.items()})

    def has(self, key: str) -> bool:
        """Whether there is such a text."""
        file, _, entry = key.partition(".")
        return entry in self._entries.get(file, {})

    def file(self, name: str) -> dict[str, Any]:
        """All entries of one file, as a page's script reads them."""
        return self._entries[name]

    def is_one(self, n: float) -> bool:
        """Whether the language speaks of ``n`` things in the singular."""
        return abs(n) < 2 if self.language == "fr" else n == 1

    def number(self, value: float) -> str:
        """A count: ``1,234`` or ``1 234``."""
        return format_decimal(value, format="#,##0", locale=self.language)

    def decimal(self, value: float, digits: int = 3) -> str:
        """A number with ``digits`` (up to 6) after the point."""
        return format_decimal(value, format=f"#,##0.{_DIGITS[:digits]}" if digits else "#,##0", locale=self.language)

    def percent(self, share: float, digits: int = 0) -> str:
        """A share in [0, 1]: ``87%`` or ``87 %``."""
        number = f"#,##0.{_DIGITS[:digits]}" if digits else "#,##0"
        return format_percent(
            share, format=f"{number}\u202f%" if self.language == "fr" else f"{number}%", locale=self.language
        )

    def moment(self, at: datetime) -> Markup:
        """A time that the browser shows in its reader's own zone; without scripts it is UTC. ``at`` is aware."""
        return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), at.strftime("%Y-%m-%d %H:%M UTC"))

    def _shown(self, value: Any) -> Any:
        return self.number(value) if isinstance(value, int) and not isinstance(value, bool) else value


@functools.cache
def texts_in(language: Language) -> Texts:
    """The texts in a language, read once."""
    return Texts(language)


def choose_language(chosen: str | None, accepted: str) -> Language:
    """What a visitor chose, else the first language of ``Accept-Language`` that there is, else English."""
    for tag in [chosen or "", *(part.partition(";")[0] for part in accepted[:200].split(","))]:
        for language in LANGUAGES:
            if tag.strip().lower().partition("-")[0] == language:
                return language
    return "en"
