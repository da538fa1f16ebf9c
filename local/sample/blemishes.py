"""What happens to a text between a seller's head and a catalogue: typos, lost accents, capitals, entities, tags."""

import html
import unicodedata
from collections.abc import Sequence
from html.entities import codepoint2name

import numpy as np

SEPARATORS = (" ", "<br />", "<br>", "\n", " - ", "<br /><br />")


def mistype(text: str, share: float, rng: np.random.Generator) -> str:
    """Swap, drop or double a letter in ``share`` (0..1) of the words longer than three letters."""
    words = text.split(" ")
    hit = rng.random(len(words)) < share
    return " ".join(_mistype_word(word, rng) if hit[i] and len(word) > 3 else word for i, word in enumerate(words))


def _mistype_word(word: str, rng: np.random.Generator) -> str:
    at = int(rng.integers(1, len(word) - 1))
    kind = int(rng.integers(3))
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + word[at + 1 :] if kind == 1 else word[:at] + word[at] + word[at:]


def without_accents(text: str) -> str:
    """The text with its accents lost, as old tills write it."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def with_entities(text: str) -> str:
    """Every character that has an HTML name written by it: ``é`` becomes ``&eacute;``, ``&`` becomes ``&amp;``."""
    return "".join(f"&{codepoint2name[ord(c)]};" if ord(c) in codepoint2name else c for c in text)


def with_escapes(text: str) -> str:
    """Only what HTML reserves is escaped: ``&amp;`` and ``&#39;``."""
    return html.escape(text).replace("&#x27;", "&#39;")


def tagged(sentences: Sequence[str], rng: np.random.Generator) -> str:
    """The sentences as HTML: paragraphs, a list, a bold first line, or separated by line breaks."""
    kind = int(rng.integers(4))
    if kind == 0:
        return "".join(f"<p>{sentence}</p>" for sentence in sentences)
    if kind == 1:
        rest = "".join(f"<li>{sentence}</li>" for sentence in sentences[1:])
        return f"{sentences[0]}<ul>{rest}</ul>" if rest else sentences[0]
    separator = SEPARATORS[int(rng.integers(len(SEPARATORS)))]
    return separator.join([f"<b>{sentences[0]}</b>" if kind == 2 else sentences[0], *sentences[1:]])
