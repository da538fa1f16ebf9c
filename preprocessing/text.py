"""One cleaning rule for titles and descriptions, used by training and serving alike.

Text is stored as it was sent; these functions decide what models and duplicate checks see. "NA" and
"null" are words like any other.
"""

import html
import re
import unicodedata

TEXT_RULE = "clean-compose-1"

_TAG = re.compile(r"<[/!?]?[A-Za-z-][^<>]*>")
# Cc: control · Cf: zero-width, joiners, bidirectional marks · Cs: lone surrogates, which no encoder accepts
_DROPPED = frozenset({"Cc", "Cf", "Cs"})
_WORD = re.compile(r"[^\W_]+")


def clean(text: str) -> str:
    """Return the text a reader of the shop's page would see, on one line.

    HTML entities become characters (two levels: shops escape twice), tags become spaces, control and
    zero-width characters go, the rest is composed (NFC) and blanks collapse to single spaces. Text that
    only looks like mark-up ("3 < 5") stays.
    """
    text = html.unescape(html.unescape(text))
    text = _TAG.sub(" ", text)
    if not text.isprintable():
        text = "".join(_visible(character) for character in text)
    return " ".join(unicodedata.normalize("NFC", text).split())


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) in _DROPPED else character


def compose(designation: str, description: str | None) -> str:
    """Return the one text a model reads: the title, then the description if it says something new.

    A description says something new when its words are not already a passage of the title's words.
    Both empty gives "".
    """
    title, body = clean(designation), clean(description or "")
    if not title or not body:
        return title or body
    repeats = f" {_words(body)} " in f" {_words(title)} "
    return title if repeats else f"{title}. {body}"


def normalised(designation: str, description: str | None) -> str:
    """Return the words that two duplicates share: casefolded, without accents or punctuation.

    A text without any letter or digit gives "", which says nothing about being a duplicate.
    """
    return _words(compose(designation, description))


def _words(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(character for character in decomposed if not unicodedata.combining(character))
    return " ".join(_WORD.findall(bare))
