"""Ways to read a product's text that ``bench.text_choices`` compares: the product's own, and one alternative each."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from html import unescape

import numpy as np
import scipy.sparse as sparse
from sklearn.feature_extraction.text import HashingVectorizer

from inference.lexical import LexicalRule
from preprocessing.language import language_of
from preprocessing.text import clean, compose
from training.config import LexicalConfig

Read = Callable[[str, str], str]

_LONG = 60  # words of a text that an alternative keeps


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read.

    Attributes:
        about: the choice it belongs to.
        name: what it does where the product does otherwise.
        read: title and description to the text that models read.
        lexical: how the lexical expert then counts; None as the product does.
        cut: BERT's tokens: ``head and tail``, ``head`` or ``128``; None leaves BERT out, which cannot notice.
    """

    about: str
    name: str
    read: Read = compose
    lexical: Callable[[LexicalConfig], LexicalConfig] | None = None
    cut: str | None = "head and tail"


class _AccentsKept(LexicalRule):
    """As the product counts, accents included."""

    def count(self, texts: Sequence[str]) -> sparse.csr_array:
        kinds = (
            ("word", (1, self.longest_words), self.word_bits),
            ("char_wb", (self.shortest_piece, self.longest_piece), self.piece_bits),
        )
        blocks = [
            HashingVectorizer(
                analyzer=analyzer,
                ngram_range=lengths,
                n_features=2**bits,
                alternate_sign=False,
                norm=None,
                strip_accents=None,
                dtype=np.float32,
            ).transform(texts)
            for analyzer, lengths, bits in kinds
        ]
        return sparse.csr_array(sparse.hstack(blocks, format="csr"))


class _WordsAlone(LexicalRule):
    """As the product counts, but no pieces of words."""

    def count(self, texts: Sequence[str]) -> sparse.csr_array:
        whole = LexicalRule.count(self, texts)
        return _emptied(whole, slice(None, self.word_buckets))


class _PiecesAlone(LexicalRule):
    """As the product counts, but no whole words."""

    def count(self, texts: Sequence[str]) -> sparse.csr_array:
        whole = LexicalRule.count(self, texts)
        return _emptied(whole, slice(self.word_buckets, None))


def _emptied(whole: sparse.csr_array, kept: slice) -> sparse.csr_array:
    """The same with nothing outside the columns ``kept``."""
    inside = (whole.indices >= (kept.start or 0)) & (whole.indices < (kept.stop or whole.shape[1]))
    rows = whole.tocoo().coords[0]
    return sparse.csr_array((whole.data[inside], (rows[inside], whole.indices[inside])), shape=whole.shape)


def _counted_by(kind: type[LexicalRule]) -> Callable[[LexicalConfig], LexicalConfig]:
    class Counted(LexicalConfig):
        @property
        def rule(self) -> LexicalRule:
            return kind(**{field.name: getattr(self, field.name) for field in fields(LexicalRule)})

    return lambda config: Counted(**{field.name: getattr(config, field.name) for field in fields(LexicalConfig)})


def _escaped(times: int) -> Read:
    """Undo what ``clean`` is about to do to entities, so that ``2 - times`` levels are read."""

    def read(title: str, description: str) -> str:
        for _ in range(times):
            title, description = title.replace("&", "&amp;"), description.replace("&", "&amp;")
        return compose(title, description)

    return read


def _tags_kept(title: str, description: str) -> str:
    """A tag without its mark-up's shape is no tag: ``< br>``."""
    shown = [re.sub(r"<(?=\S)", "< ", unescape(unescape(part))) for part in (title, description)]
    return compose(*shown)


def _repeats_kept(title: str, description: str) -> str:
    return ". ".join(part for part in (clean(title), clean(description)) if part)


def _new_words_only(title: str, description: str) -> str:
    """Only those words of the description that the title does not have."""
    known = set(clean(title).casefold().split())
    new = [word for word in clean(description).split() if word.casefold() not in known]
    return compose(title, " ".join(new))


def _shortened(head: int, tail: int) -> Read:
    def read(title: str, description: str) -> str:
        words = compose(title, description).split()
        if len(words) <= head + tail:
            return " ".join(words)
        return " ".join(words[:head] + words[len(words) - tail :])

    return read


def _language_named(title: str, description: str) -> str:
    """The likely language told as one more word."""
    text = compose(title, description)
    return f"{text} language{language_of(text)}" if text else ""


OWN = Reading("", "as the product reads")
ALTERNATIVES = (
    Reading("HTML entities", "left as they are", _escaped(2)),
    Reading("HTML entities", "one level read, not two", _escaped(1)),
    Reading("HTML tags", "left as they are", _tags_kept),
    Reading("accents", "kept by the lexical expert", lexical=_counted_by(_AccentsKept), cut=None),
    Reading("mixed languages", "whole words alone", lexical=_counted_by(_WordsAlone), cut=None),
    Reading("mixed languages", "pieces of words alone", lexical=_counted_by(_PiecesAlone), cut=None),
    Reading("mixed languages", "the language told as a word", _language_named),
    Reading("description", "left out", lambda title, description: compose(title, None)),
    Reading("description", "before the title", lambda title, description: compose(description, title)),
    Reading(
        "description",
        "the title said twice",
        lambda title, description: f"{clean(title)}. " + compose(title, description),
    ),
    Reading("repetition", "a description that repeats its title kept", _repeats_kept),
    Reading("repetition", "words of the title cut from the description", _new_words_only),
    Reading("long texts", f"first {_LONG} words alone", _shortened(_LONG, 0)),
    Reading(
        "long texts", f"{_LONG * 3 // 4} first and {_LONG // 4} last words", _shortened(_LONG * 3 // 4, _LONG // 4)
    ),
    Reading("long texts", "BERT reads the first 64 tokens", cut="head"),
    Reading("long texts", "BERT reads 128 tokens", cut="128"),
)
