"""The words of each class: read from ``data/sample``, weighted, and completed by invented brands and names.

Brands, platforms, authors and characters are made of syllables, so no trademark is used and every class keeps a long
tail of words that only more labels teach. The weights depend on the files alone, never on the catalogue's seed: two
seeds are two draws from one market.
"""

import math
import re
import tomllib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from local.sample.recipe import DATA, Words

LANGUAGES = ("fr", "en")
ONSETS = re.split(" ", "b br c ch cl d dr f fl g gr h j k kr l m n p pl r s st t tr v w z")
VOWELS = re.split(" ", "a e i o u a e i o ai au eo ia oo ou y")
CODAS = re.split(" ", "    l m n r s t x nd rk sh lt ck")  # four of them empty


@dataclass(frozen=True, slots=True)
class Pool:
    """Words and the cumulative share, in 0..1, of each."""

    words: tuple[str, ...]
    cumulative: tuple[float, ...]

    @classmethod
    def weighted(cls, words: Sequence[str], weights: np.ndarray) -> "Pool":
        """A pool whose ``words[i]`` is drawn in proportion to ``weights[i]``, a float (n,) of positive numbers."""
        total = np.cumsum(weights)
        return cls(tuple(words), tuple((total / total[-1]).tolist()))

    def pick(self, rng: np.random.Generator) -> str:
        """One word."""
        return self.words[min(int(np.searchsorted(self.cumulative, rng.random())), len(self.words) - 1)]


@dataclass(frozen=True, slots=True)
class Speech:
    """What sellers of one class write in one language."""

    nouns: Pool
    vague: Pool
    traits: Pool
    theme_traits: Pool
    topics: Pool
    forms: Pool
    sentences: Pool


@dataclass(frozen=True, slots=True)
class Category:
    """One class as the generator sees it; ``share`` is a percentage of the catalogue."""

    code: int
    share: float
    english: float
    described: float
    near: tuple[int, ...]
    speech: dict[str, Speech]
    brands: Pool
    names: Pool
    sketches: Pool
    backgrounds: tuple[str, ...]
    hues: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Shop:
    """What every seller writes in one language, whatever they sell."""

    colours: Pool
    extras: Pool
    titles: Pool
    sentences: Pool


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All classes by code, and the shop's own words by language."""

    categories: dict[int, Category]
    shop: dict[str, Shop]


def read_vocabulary(settings: Words, folder: Path = DATA / "sample") -> Vocabulary:
    """Read ``shop.toml`` and every ``themes/*.toml`` of ``folder``."""
    shop = tomllib.loads((folder / "shop.toml").read_text(encoding="utf-8"))
    categories: dict[int, Category] = {}
    for path in sorted((folder / "themes").glob("*.toml")):
        theme = tomllib.loads(path.read_text(encoding="utf-8"))
        categories |= {entry["code"]: _category(entry, theme, settings) for entry in theme["class"]}
    return Vocabulary(dict(sorted(categories.items())), {language: _shop(shop, language) for language in LANGUAGES})


def _category(entry: dict[str, Any], theme: dict[str, Any], settings: Words) -> Category:
    brands = invent(f"brands of {theme['theme']}", settings.brands)
    names = invent(f"names of {theme['theme']}", settings.names * len(theme["class"]))
    sketches = entry["sketches"]
    return Category(
        code=entry["code"],
        share=entry["share"],
        english=entry["english"],
        described=entry["described"],
        near=tuple(entry["near"]),
        speech={language: _speech(entry, theme, language, settings) for language in LANGUAGES},
        brands=_shared(brands, f"brands {entry['code']}", settings.brand_spread),
        names=_shared(names, f"names {entry['code']}", settings.name_spread),
        sketches=Pool.weighted(list(sketches), np.array(list(sketches.values()), dtype=float)),
        backgrounds=tuple(entry.get("backgrounds", theme["backgrounds"])),
        hues=tuple(float(hue) for hue in entry["hues"]),
    )


def _speech(entry: dict[str, Any], theme: dict[str, Any], language: str, settings: Words) -> Speech:
    topics = theme[f"topics_{language}"]
    return Speech(
        nouns=_tailed(entry[f"nouns_{language}"], settings.evenness),
        vague=_tailed(theme[f"vague_{language}"], 0.0),
        traits=_tailed(entry[f"traits_{language}"], settings.evenness),
        theme_traits=_tailed(theme[f"traits_{language}"], 0.0),
        topics=_shared(topics, f"topics {language} {entry['code']}", settings.topic_spread),
        forms=_tailed(theme[f"forms_{language}"], 0.0),
        sentences=_tailed(theme[f"sentences_{language}"], 0.0),
    )


def _shop(table: dict[str, Any], language: str) -> Shop:
    keys = ("colours", "extras", "titles", "sentences")
    return Shop(**{key: _tailed(table[f"{key}_{language}"], 0.0) for key in keys})


def _tailed(words: Sequence[str], steepness: float) -> Pool:
    """Words in falling order of use: the k-th weighs ``k ** -steepness``."""
    return Pool.weighted(words, np.arange(1, len(words) + 1, dtype=float) ** -steepness)


def _shared(words: Sequence[str], what: str, spread: float) -> Pool:
    """A theme's words as one class uses them: each weight log-normal, drawn from ``what``."""
    return Pool.weighted(words, np.exp(spread * _generator(what).standard_normal(len(words))))


def invent(what: str, count: int) -> list[str]:
    """``count`` distinct pronounceable words, the same ones for the same ``what``."""
    rng = _generator(what)
    words: dict[str, None] = {}
    while len(words) < count:
        syllables = int(rng.integers(2, 4))
        word = "".join(_one(rng, ONSETS) + _one(rng, VOWELS) for _ in range(syllables)) + _one(rng, CODAS)
        words[word.capitalize()] = None
    return list(words)


def _one(rng: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[math.floor(rng.random() * len(choices))]


def _generator(what: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(what.encode()))
