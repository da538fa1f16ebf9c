"""The alternatives that the product's reading of text is compared with do what their names say."""

from pathlib import Path

import pytest

from bench.text_readings import ALTERNATIVES, OWN, Reading
from training.config import FusionConfig

CONFIG = Path(__file__).parents[3] / "training" / "config.toml"


def reading(name: str) -> Reading:
    (found,) = [one for one in ALTERNATIVES if one.name == name]
    return found


@pytest.mark.parametrize(
    ("name", "title", "description", "read", "own"),
    [
        ("one level read, not two", "caf&amp;eacute;", "", "caf&eacute;", "café"),
        ("left out", "Vase", "en verre", "Vase", "Vase. en verre"),
        ("before the title", "Vase", "en verre", "en verre. Vase", "Vase. en verre"),
        ("the title said twice", "Vase", "en verre", "Vase. Vase. en verre", "Vase. en verre"),
        ("a description that repeats its title kept", "Vase bleu", "vase BLEU", "Vase bleu. vase BLEU", "Vase bleu"),
        (
            "words of the title cut from the description",
            "Vase",
            "vase en verre",
            "Vase. en verre",
            "Vase. vase en verre",
        ),
        (
            "the language told as a word",
            "Vase pour la table",
            "",
            "Vase pour la table languagefr",
            "Vase pour la table",
        ),
    ],
)
def test_an_alternative_differs_from_the_products_reading_in_one_thing(
    name: str, title: str, description: str, read: str, own: str
) -> None:
    assert (reading(name).read(title, description), OWN.read(title, description)) == (read, own)


def test_entities_and_tags_can_be_left_as_they_are() -> None:
    entities, tags = (one for one in ALTERNATIVES if one.name == "left as they are")
    assert entities.read("caf&eacute;", "") == "caf&eacute;"
    assert tags.read("<b>Vase</b>", "") == "< b>Vase< /b>"


def test_the_lexical_alternatives_count_another_way() -> None:
    config = FusionConfig.load(CONFIG).experts["lexical"]
    text = ["L'été à Nice"]
    own = config.rule.count(text)
    counted = {one.name: one.lexical(config).rule.count(text) for one in ALTERNATIVES if one.lexical}
    assert (counted["kept by the lexical expert"] != own).nnz > 0
    parts = counted["whole words alone"] + counted["pieces of words alone"]
    assert (parts != own).nnz == 0
