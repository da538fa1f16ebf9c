"""The settings of the sample catalogue, read from ``data/sample.toml``."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[2] / "data"


@dataclass(frozen=True, slots=True)
class Words:
    """How many invented words there are, and how unevenly the classes of a theme use the words they share.

    ``*_spread`` is the standard deviation of the logarithm of a word's weight in a class: 0 says every class uses it
    alike, 2 that it nearly gives the class away.
    """

    brands: int
    names: int
    brand_spread: float
    name_spread: float
    topic_spread: float
    evenness: float


@dataclass(frozen=True, slots=True)
class Titles:
    """Shares, in 0..1, of what goes wrong in a text; each is drawn once a product, a noun or a word."""

    misfiled: float
    generic: float
    borrowed: float
    vague: float
    typo: float
    unaccented: float
    shouted: float
    entities: float


@dataclass(frozen=True, slots=True)
class Descriptions:
    """How descriptions look: shares in 0..1, sentences by a log-normal law."""

    present: float
    sentences_median: float
    sentences_spread: float
    long: float
    shop_talk: float
    entities: float
    tags: float


@dataclass(frozen=True, slots=True)
class Photos:
    """How photos look: shares in 0..1, sizes in pixels, angles in degrees."""

    misdrawn: float
    uninformative: float
    off_palette: float
    cut_out: float
    clutter: float
    tilt: float
    smallest: int
    largest: int


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything the catalogue is a function of, beside the vocabulary."""

    seed: int
    train: int
    incoming: int
    repeats: float
    words: Words
    titles: Titles
    descriptions: Descriptions
    photos: Photos


def read_recipe(path: Path = DATA / "sample.toml", **overrides: int | None) -> Recipe:
    """Read a recipe; ``overrides`` (seed, train, incoming) win where they are not None.

    Raises:
        ValueError: a key is missing or unknown, or a count is negative.
    """
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    table |= {key: value for key, value in overrides.items() if value is not None}
    try:
        recipe = _build(table)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path.name}: {error}") from error
    if min(recipe.seed, recipe.train, recipe.incoming) < 0:
        raise ValueError(f"seed and counts are 0 or more. Received: {recipe.seed}, {recipe.train}, {recipe.incoming}")
    return recipe


def _build(table: dict[str, Any]) -> Recipe:
    sections = {"words": Words, "titles": Titles, "descriptions": Descriptions, "photos": Photos}
    return Recipe(**{key: sections[key](**value) if key in sections else value for key, value in table.items()})
