"""Counting n-grams, against scikit-learn's vectorizer."""

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import HashingVectorizer

from inference import ngrams
from inference.lexical import LexicalRule

RULE = LexicalRule(word_bits=14, piece_bits=12, longest_words=2, shortest_piece=2, longest_piece=5)
TEXTS = (
    "",
    "a",
    "Édition limitée : boîte d'origine, 2 manettes & 12 jeux 12 jeux",
    "L'œuvre ﬁne — naïve, ÇA coûte 3,50 € ! ½ Straße İstanbul",
    "日本語 한국어 ελληνικά кириллица 👍👍",
    "tab\tnew\nline  double   blanks _under_score",
    "x" * 300,
)


def by_vectorizer(rule: LexicalRule, texts: list[str]) -> sparse.csr_array:
    shared = {"alternate_sign": False, "norm": None, "strip_accents": "unicode", "dtype": np.float32}
    words = HashingVectorizer(ngram_range=(1, rule.longest_words), n_features=2**rule.word_bits, **shared)
    lengths = (rule.shortest_piece, rule.longest_piece)
    pieces = HashingVectorizer(analyzer="char_wb", ngram_range=lengths, n_features=2**rule.piece_bits, **shared)
    return sparse.csr_array(sparse.hstack([words.transform(texts), pieces.transform(texts)], format="csr"))


def assert_same(ours: sparse.csr_array, theirs: sparse.csr_array) -> None:
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    np.testing.assert_array_equal(ours.indptr, theirs.indptr)
    np.testing.assert_array_equal(ours.indices, theirs.indices)
    np.testing.assert_array_equal(ours.data, theirs.data)


def test_columns_and_counts_are_the_vectorizers() -> None:
    assert_same(RULE.count(TEXTS), by_vectorizer(RULE, list(TEXTS)))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), min_size=1, max_size=4))
def test_any_text_is_counted_as_the_vectorizer_counts_it(texts: list[str]) -> None:
    assert_same(RULE.count(texts), by_vectorizer(RULE, texts))


def test_many_texts_are_counted_in_parts_that_fit_together(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = RULE.count(TEXTS)
    monkeypatch.setattr(ngrams, "_TEXTS_AT_ONCE", 2)
    assert_same(RULE.count(TEXTS), whole)


def test_no_texts_are_no_rows() -> None:
    assert RULE.count([]).shape == (0, 2**14 + 2**12)


@pytest.mark.parametrize(
    ("key", "hashed"), [(b"", 0), (b"a", 0x3C2569B2), (b"abc", 0xB3DD93FA), (b"Hello, world!", 0xC0363E43)]
)
def test_hashes_are_those_that_others_publish(key: bytes, hashed: int) -> None:
    assert ngrams.murmur3([key]).tolist() == [hashed]
