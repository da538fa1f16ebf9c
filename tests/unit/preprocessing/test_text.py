import pytest
from hypothesis import given
from hypothesis import strategies as st

from preprocessing.text import clean, compose, normalised


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        ("Console &eacute;dition limit&#233;e", "Console édition limitée"),
        ("L&amp;#39;&amp;eacute;t&amp;eacute;", "L'été"),
        ("<p>Coussin<br />bleu</p><!-- caché -->", "Coussin bleu"),
        ("3 < 5 et 6 > 2", "3 < 5 et 6 > 2"),
        ("I &lt;3 Paris", "I <3 Paris"),
        ("  deux\t lignes\r\n\xa0ici ", "deux lignes ici"),
        ("zéro\u200blargeur\u202e\x00", "zérolargeur"),
        ("Ame\u0301lie", "Amélie"),
        ("Jeu 🎮 d'été 👍🏽", "Jeu 🎮 d'été 👍🏽"),
        ("seul \ud800 ici", "seul ici"),
        ("\u200b \u2060\ufeff", ""),
    ],
)
def test_cleaning_shows_what_a_reader_of_the_page_sees(raw: str, seen: str) -> None:
    assert clean(raw) == seen


@pytest.mark.parametrize("word", ["NA", "null", "NaN", "None", "", "0"])
def test_words_that_look_like_missing_values_stay_words(word: str) -> None:
    assert clean(word) == word
    assert compose(word, None) == word


def test_a_description_follows_its_title_when_it_says_something_new() -> None:
    assert compose("Livre", "Roman policier") == "Livre. Roman policier"


@pytest.mark.parametrize("description", [None, "", " <br> ", "Été Bleu", "ete bleu!"])
def test_a_description_that_repeats_the_title_is_left_out(description: str | None) -> None:
    assert compose("Coussin Été bleu", description) == "Coussin Été bleu"


def test_part_of_a_word_is_not_a_repetition() -> None:
    assert compose("Portefeuille", "Feuille") == "Portefeuille. Feuille"


def test_a_product_without_title_is_its_description() -> None:
    assert compose("", "Roman") == "Roman"
    assert compose("", None) == ""
    assert compose("", "🎮") == "🎮"


def test_duplicates_share_their_normalised_words() -> None:
    assert normalised("L'ÉTÉ &agrave; Nice !", None) == normalised("l ete a  nice", "L'été") == "l ete a nice"


@given(st.text(alphabet=st.characters(exclude_characters="&<>")))
def test_cleaning_clean_text_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(st.text(), st.none() | st.text())
def test_any_text_composes_to_one_encodable_line(title: str, description: str | None) -> None:
    composed = compose(title, description)
    composed.encode("utf-8")
    assert len(composed.splitlines()) <= 1
