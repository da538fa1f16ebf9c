"""Texts go to the pile of their language; those that do not tell go to their own."""

import pytest

from preprocessing.language import language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Porte-clés en cuir pour les amateurs de la pêche à la mouche", "fr"),
        ("Women's running shoes with a sole for the street", "en"),
        ("Kissenbezug für das Sofa, mit Reißverschluss", "de"),
        ("Funda para el móvil con un diseño pequeño", "es"),
        ("USB-C 2 m", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_text_is_sorted_by_its_function_words_and_letters(text: str, language: str) -> None:
    assert language_of(text) == language


def test_a_long_text_is_read_in_no_time() -> None:
    assert language_of("<p>le </p>" * 100_000) == "fr"
