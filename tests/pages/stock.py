"""Products that look like a market's: drawn by the sample catalogue's generator, with the category each belongs to."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from local.sample.drawing import photograph
from local.sample.recipe import Recipe, read_recipe
from local.sample.vocabulary import Vocabulary, read_vocabulary
from local.sample.wording import Seller

_LEARNT, _SOLD = 1, 2  # streams of randomness: what the model has seen is not what is sold


@dataclass(frozen=True, slots=True)
class Good:
    """One product as a seller would send it, and the category that it is of."""

    designation: str
    description: str
    photo: bytes
    code: int


def goods(count: int, seed: int = 7) -> list[Good]:
    """``count`` products, one category after the other in an order of its own; the same ones for the same seed."""
    recipe, vocabulary = _market(seed)
    codes = np.random.default_rng(seed).permutation(list(vocabulary.categories)).tolist()
    return [_good(codes[place % len(codes)], recipe, vocabulary, place) for place in range(count)]


def learnt_words(titles: int = 6, seed: int = 7) -> dict[int, str]:
    """For each category the titles from which the shop's model knows it: enough to be right more often than not."""
    recipe, vocabulary = _market(seed)
    return {code: " ".join(_titles(code, titles, recipe, vocabulary)) for code in sorted(vocabulary.categories)}


def _market(seed: int) -> tuple[Recipe, Vocabulary]:
    recipe = replace(read_recipe(), seed=seed)
    return recipe, read_vocabulary(recipe.words)


def _good(code: int, recipe: Recipe, vocabulary: Vocabulary, place: int) -> Good:
    words = Seller(code, vocabulary, recipe, np.random.default_rng([recipe.seed, _SOLD, place])).write()
    photo = photograph(code, vocabulary, recipe.photos, np.random.default_rng([recipe.seed, _SOLD, place, 1]))
    return Good(words.designation, words.description, photo, code)


def _titles(code: int, count: int, recipe: Recipe, vocabulary: Vocabulary) -> Iterator[str]:
    for number in range(count):
        rng = np.random.default_rng([recipe.seed, _LEARNT, code, number])
        yield Seller(code, vocabulary, recipe, rng).write().designation
