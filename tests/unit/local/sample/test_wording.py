"""The sample's texts: languages, blemishes, lengths, and how well a class can be told by them."""

import html
import re
import statistics

import numpy as np
import pytest

from local.sample.blemishes import mistype, with_entities, with_escapes, without_accents
from local.sample.recipe import Recipe, read_recipe
from local.sample.vocabulary import Vocabulary, invent, read_vocabulary
from local.sample.wording import SLOT, Seller, Wording


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return read_recipe()


@pytest.fixture(scope="module")
def vocabulary(recipe: Recipe) -> Vocabulary:
    return read_vocabulary(recipe.words)


@pytest.fixture(scope="module")
def texts(recipe: Recipe, vocabulary: Vocabulary) -> list[Wording]:
    return [
        Seller(code, vocabulary, recipe, np.random.default_rng([i, code])).write()
        for code in vocabulary.categories
        for i in range(20)
    ]


def test_no_slot_is_left_open_and_no_title_is_empty(texts: list[Wording]) -> None:
    assert not [text for text in texts if SLOT.search(text.designation + text.description)]
    assert all(text.designation.strip() for text in texts)


def test_titles_have_the_length_of_real_ones(texts: list[Wording]) -> None:
    lengths = [len(html.unescape(text.designation)) for text in texts]
    assert 50 <= statistics.mean(lengths) <= 85
    assert statistics.median(lengths) < statistics.mean(lengths)
    assert max(lengths) <= 255


def test_a_third_of_the_descriptions_is_missing_and_some_are_very_long(texts: list[Wording]) -> None:
    lengths = [len(text.description) for text in texts]
    assert 0.25 <= lengths.count(0) / len(lengths) <= 0.5
    assert max(lengths) > 800


@pytest.mark.parametrize("mark", [r"&eacute;", r"&amp;", r"&#39;", r"<br />", r"<p>", r"<li>"])
def test_descriptions_hold_entities_and_tags(texts: list[Wording], mark: str) -> None:
    assert any(mark in text.description for text in texts)


def test_most_titles_are_french_and_some_are_english(texts: list[Wording]) -> None:
    english = sum(bool(re.search(r"\b(the|for|of|with|used|pack)\b", text.designation.lower())) for text in texts)
    french = sum(bool(re.search(r"\b(de|pour|et|la|le|à|neuf|lot)\b", text.designation.lower())) for text in texts)
    assert french > english > len(texts) // 50


def test_the_same_generator_writes_the_same_words(recipe: Recipe, vocabulary: Vocabulary) -> None:
    first, second = (Seller(2583, vocabulary, recipe, np.random.default_rng(5)).write() for _ in range(2))
    assert first == second


def test_every_neighbour_is_a_class_and_every_class_has_words_in_both_languages(vocabulary: Vocabulary) -> None:
    for category in vocabulary.categories.values():
        assert set(category.near) <= set(vocabulary.categories)
        assert category.code not in category.near
        assert all(len(speech.nouns.words) >= 8 for speech in category.speech.values())


def test_a_name_belongs_mostly_to_few_classes(vocabulary: Vocabulary) -> None:
    books, magazines = vocabulary.categories[10].names, vocabulary.categories[2280].names
    assert books.words == magazines.words
    assert books.cumulative != magazines.cumulative


def test_invented_words_are_distinct_and_the_same_every_time() -> None:
    words = invent("anything", 200)
    assert len(set(words)) == 200
    assert words == invent("anything", 200)


def test_a_word_of_three_letters_or_fewer_is_never_mistyped() -> None:
    rng = np.random.default_rng(0)
    assert mistype("un lot de 2", 1.0, rng) == "un lot de 2"
    assert mistype("piscine", 1.0, rng) != "piscine"


def test_entities_read_back_as_what_they_stood_for() -> None:
    text = "L'été & la mer <ronde>"
    assert "&eacute;" in with_entities(text)
    assert "&#39;" in with_escapes(text)
    assert html.unescape(with_entities(text)) == html.unescape(with_escapes(text)) == text


def test_lost_accents_keep_the_letters() -> None:
    assert without_accents("Épuisette à manche télescopique") == "Epuisette a manche telescopique"
