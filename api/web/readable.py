"""Descriptions for people to read: shops send them as the HTML of some page of theirs."""

import html
import re

from preprocessing.text import clean

_ITEM = re.compile(r"<li\b[^<>]*>", re.IGNORECASE)
_BREAK = re.compile(
    r"</?(?:p|div|br|hr|ul|ol|li|dl|dt|dd|table|tr|h[1-6]|section|article|blockquote)\b[^<>]*>", re.IGNORECASE
)


def readable(text: str) -> str:
    """A text as its reader would see it, line by line: paragraphs and items of lists stand on lines of their own.

    Entities become characters and tags go, as in what models read; text that only looks like mark-up ("3 < 5") stays.
    The result is text, not HTML: templates escape it like any other.
    """
    broken = _BREAK.sub("\n", _ITEM.sub("\n• ", html.unescape(html.unescape(text))))
    lines = (clean(line) for line in broken.splitlines())
    return "\n".join(line for line in lines if line.strip("• "))


def is_marked_up(text: str) -> bool:
    """Whether a text says anything that its readable form does not show: tags or entities."""
    return " ".join(text.split()) != " ".join(readable(text).split())
