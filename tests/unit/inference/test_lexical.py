"""Hashed words and pieces of words."""

import numpy as np
import pytest

from inference.lexical import LexicalRule, LexicalSpace

RULE = LexicalRule(word_bits=10, piece_bits=10, longest_words=2, shortest_piece=2, longest_piece=4)
TEXTS = ["Console de jeux", "Coussin bleu, coussin rouge", "Lampe"]


def test_case_and_accents_make_no_difference() -> None:
    counts = RULE.count(["ÉTÉ à la Mer", "ete a la mer"])
    assert (counts[[0]] != counts[[1]]).nnz == 0


def test_words_and_pieces_fall_into_their_own_halves() -> None:
    counts = RULE.count(["lampe"]).tocoo()
    assert counts.shape == (1, RULE.word_buckets + 1024)
    assert (counts.col < RULE.word_buckets).sum() == 1
    assert (counts.col >= RULE.word_buckets).sum() > 5


def test_a_text_is_counted_the_same_alone_and_among_others() -> None:
    assert (RULE.count(TEXTS)[[1]] != RULE.count(TEXTS[1:2])).nnz == 0


def test_words_and_pieces_have_length_one_each() -> None:
    counts = RULE.count(TEXTS)
    space = LexicalSpace.learn(RULE, counts, min_rows=1)
    weighed = space.weigh(counts).toarray().astype(np.float64)
    words = space.buckets < RULE.word_buckets
    np.testing.assert_allclose((weighed[:, words] ** 2).sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose((weighed[:, ~words] ** 2).sum(axis=1), 1, rtol=1e-5)


def test_repeating_a_word_weighs_less_than_a_rarer_word() -> None:
    counts = RULE.count(["rouge rouge bleu", "rouge", "rouge"])
    space = LexicalSpace.learn(RULE, counts, min_rows=1)
    common, rare = (RULE.count([word]).tocoo().col.min() for word in ("rouge", "bleu"))
    idf = dict(zip(space.buckets.tolist(), space.idf.tolist(), strict=True))
    assert idf[int(rare)] > idf[int(common)] == pytest.approx(1)


def test_ngrams_seen_in_too_few_rows_are_left_out() -> None:
    counts = RULE.count(["lampe rouge", "lampe bleue"])
    everything = LexicalSpace.learn(RULE, counts, min_rows=1)
    shared = LexicalSpace.learn(RULE, counts, min_rows=2)
    assert 0 < len(shared.buckets) < len(everything.buckets)
    assert set(shared.buckets) <= set(everything.buckets)


def test_a_text_of_unknown_ngrams_weighs_nothing() -> None:
    space = LexicalSpace.learn(RULE, RULE.count(["aaaa"]), min_rows=1)
    weighed = space.weigh(RULE.count(["", "zzzz"]))
    assert weighed.shape == (2, len(space.buckets))
    assert weighed.nnz == 0
    assert weighed.dtype == np.float32
