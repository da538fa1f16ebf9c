"""Which titles say the same product, and which do not."""

import hashlib
import json

import pytest

from preprocessing.ingest import near_titles
from preprocessing.ingest.near_titles import are_near, sign_title, telling_words


def near(one: str, other: str) -> bool:
    """Found by a common key and confirmed by content, or the same telling words."""
    signatures = [sign_title(telling_words(title)) for title in (one, other)]
    if None in signatures:
        return False
    first, second = signatures
    return bool({*first.keys} & {*second.keys}) and are_near(first.content, [second.content]) == [True]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Puma Men GP Buddh Logo Polo Red", "Puma Men GP Buddh Logo Polo Navy Blue"),
        (
            "Housse coussin coton lin motif chouette salon 45x45 bleu",
            "housse coussin coton lin motif chouette salon 60 cm",
        ),
        ("Guess Women Mini Rock Candy Gold Watch", "Guess Women Mini Rock Candy Silver Watch"),
        (
            "Salon de jardin résine tressée table basse fauteuil noir",
            "SALON JARDIN RESINE TRESSEE TABLE BASSE FAUTEUIL XL",
        ),
        ("Lampe bureau pliable chargeur induction tactile", "Lampe bureau pliable chargeur induction tactile neuve"),
    ],
)
def test_a_size_a_colour_a_number_or_one_word_leaves_titles_near(one: str, other: str) -> None:
    assert near(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Turtle Men Stripes Black", "Turtle Men Stripes Black"),  # a watch strap or a tie: too few words to tell
        ("Flying Machine Men Navy Blue", "Flying Machine Men Printed Navy Blue"),
        ("Objet 1", "Objet 2"),
        ("12 x 24 cm", "13 x 25 cm"),
        ("", ""),
        ("Housse coussin coton lin motif chouette salon", "Rideau occultant coton lin motif étoile salon"),
        ("Figurine résine peinte chevalier royaume perdu", "Figurine résine peinte dragon montagne noire"),
    ],
)
def test_two_products_are_not_near(one: str, other: str) -> None:
    assert not near(one, other)


@pytest.mark.parametrize(("shared", "expected"), [(8, True), (7, False)])
def test_near_is_four_fifths_of_the_words_of_both_titles_together(shared: int, expected: bool) -> None:
    words = [f"mot{chr(97 + at)}" for at in range(10)]
    one, other = sign_title(frozenset(words)), sign_title(frozenset(words[:shared]))
    assert one is not None
    assert other is not None
    assert are_near(one.content, [other.content]) == are_near(other.content, [one.content]) == [expected]


def test_what_varies_within_one_products_offers_tells_nothing() -> None:
    assert telling_words("Lot de 2 Robes d'été en Coton, taille XL, Bleu clair 100% X500") == {"robes", "ete", "coton"}


@pytest.mark.parametrize("shared", [6, 7, 8, 9, 12, 20])
def test_titles_that_share_four_fifths_of_their_words_meet_almost_always(shared: int) -> None:
    met = 0
    for number in range(200):
        words = [f"mot{chr(97 + number % 26)}{chr(97 + number // 26)}{chr(97 + at)}" for at in range(shared)]
        met += near(" ".join(words), " ".join([*words, "supplement"]))
    assert met >= 190


def test_the_signature_is_the_one_that_is_stored() -> None:
    """Stored keys and contents have to be found again: another library may not change them under this name."""
    signature = sign_title(telling_words("Salon de jardin résine tressée table basse fauteuils"))
    assert signature is not None
    parts = json.dumps([signature.rule, signature.keys, signature.content.hex()])
    assert (near_titles.RULE, hashlib.sha256(parts.encode()).hexdigest()[:16]) == ("title-1", "8e6e515402a93f2f")
