"""Titles and descriptions: which class a text speaks for, and how it says it."""

import re
from typing import NamedTuple

import numpy as np

from local.sample.blemishes import mistype, tagged, with_entities, with_escapes, without_accents
from local.sample.recipe import Recipe
from local.sample.vocabulary import Category, Vocabulary

SLOT = re.compile(r"\{(\w+)\}")
LONGEST_TITLE = 250  # characters
FACTS = frozenset(
    {"brand", "name", "colour", "size", "year", "ref", "pages"}
)  # one of each a product, wherever it is said


class Wording(NamedTuple):
    """A product's two texts, as a seller would have sent them; the description may be empty."""

    designation: str
    description: str


class Seller:
    """Writes one product's texts.

    A text speaks for its own class, for a neighbouring one (misfiled), or for none (generic). That is drawn once a
    product, so a long description does not average a bad title away.
    """

    def __init__(self, code: int, vocabulary: Vocabulary, recipe: Recipe, rng: np.random.Generator) -> None:
        self._rng, self._recipe, self._vocabulary = rng, recipe, vocabulary
        own = vocabulary.categories[code]
        fate = rng.random()
        misfiled, generic = recipe.titles.misfiled, recipe.titles.generic
        self._says_nothing = misfiled <= fate < misfiled + generic
        self._voice = self._neighbour(own) if fate < misfiled else own
        self._described = rng.random() < recipe.descriptions.present * own.described
        self._language = "en" if rng.random() < own.english else "fr"
        self._speech = self._voice.speech[self._language]
        self._shop = vocabulary.shop[self._language]
        self._facts: dict[str, str] = {}

    def write(self) -> Wording:
        """The two texts, blemished."""
        title, description = self._title(), self._description() if self._described else ""
        return Wording(self._blemished_title(title), description)

    def _title(self) -> str:
        if self._says_nothing:
            return self._fill(self._shop.titles.pick(self._rng))
        parts = [self._fill(self._speech.forms.pick(self._rng))]
        more = [self._afterthought() for _ in range(int(self._rng.geometric(0.26)) - 1)]
        parts += [part for part in dict.fromkeys(more) if part not in parts[0]]
        title = " ".join(" ".join(parts).split())
        return title[0].upper() + title[1:LONGEST_TITLE]

    def _afterthought(self) -> str:
        return self._trait() if self._rng.random() < 0.5 else self._fill("{extra}")

    def _description(self) -> str:
        settings, rng = self._recipe.descriptions, self._rng
        count = settings.sentences_median * np.exp(settings.sentences_spread * rng.standard_normal())
        count = int(rng.integers(14, 36)) if rng.random() < settings.long else max(1, round(count))
        sentences = list(dict.fromkeys(self._sentence(form) for form in self._sentence_forms(count)))
        if rng.random() < settings.entities:
            sentences = [with_entities(sentence) for sentence in sentences]
        elif rng.random() < settings.entities:
            sentences = [with_escapes(sentence) for sentence in sentences]
        return tagged(sentences, rng) if rng.random() < settings.tags else " ".join(sentences)

    def _sentence_forms(self, count: int) -> list[str]:
        """Up to ``count`` forms: the product's own may come again with other words, the shop's may not."""
        talks = self._rng.random(count) < (1.0 if self._says_nothing else self._recipe.descriptions.shop_talk)
        shop = set(self._shop.sentences.words)
        forms = [(self._shop if talk else self._speech).sentences.pick(self._rng) for talk in talks]
        return [form for i, form in enumerate(forms) if form not in shop or form not in forms[:i]]

    def _sentence(self, form: str) -> str:
        sentence = mistype(self._fill(form), self._recipe.titles.typo, self._rng)
        return sentence[0].upper() + sentence[1:]

    def _blemished_title(self, title: str) -> str:
        settings, rng = self._recipe.titles, self._rng
        title = mistype(title, settings.typo, rng)
        style = rng.random(4)
        if style[0] < settings.unaccented:
            title = without_accents(title)
        if style[1] < settings.shouted:
            title = title.upper() if style[2] < 0.4 else title.title()
        if style[3] < settings.entities:
            title = with_entities(title) if style[2] < 0.5 else with_escapes(title)
        return title

    def _fill(self, form: str) -> str:
        """Replace every ``{slot}``; words may hold slots themselves."""
        while SLOT.search(form):
            form = SLOT.sub(lambda match: self._value(match[1]), form)
        return form

    def _value(self, slot: str) -> str:
        if slot not in FACTS:
            return self._drawn(slot)
        if slot not in self._facts:
            self._facts[slot] = self._drawn(slot)
        return self._facts[slot]

    def _drawn(self, slot: str) -> str:
        rng = self._rng
        match slot:
            case "noun":
                return self._noun()
            case "trait":
                return self._trait()
            case "topic":
                return self._speech.topics.pick(rng)
            case "vague":
                return self._speech.vague.pick(rng)
            case "brand":
                return self._voice.brands.pick(rng)
            case "name":
                return self._voice.names.pick(rng)
            case "colour":
                return self._shop.colours.pick(rng)
            case "extra":
                return self._shop.extras.pick(rng)
            case _:
                return _figure(slot, rng)

    def _noun(self) -> str:
        drawn, settings = self._rng.random(), self._recipe.titles
        if self._says_nothing or drawn < settings.vague:
            return self._speech.vague.pick(self._rng)
        voice = self._neighbour(self._voice) if drawn < settings.vague + settings.borrowed else self._voice
        return voice.speech[self._language].nouns.pick(self._rng)

    def _trait(self) -> str:
        drawn = self._rng.random()
        if self._says_nothing or drawn < 0.5:
            return self._fill(self._speech.theme_traits.pick(self._rng))
        voice = self._neighbour(self._voice) if drawn < 0.65 else self._voice
        return self._fill(voice.speech[self._language].traits.pick(self._rng))

    def _neighbour(self, category: Category) -> Category:
        return self._vocabulary.categories[category.near[int(self._rng.integers(len(category.near)))]]


def _figure(slot: str, rng: np.random.Generator) -> str:
    """A number, year, size, page count or reference."""
    match slot:
        case "number":
            return str(int(rng.geometric(0.12)))
        case "number2":
            return str(int(rng.integers(20, 240)))
        case "year":
            return str(2024 - int(rng.geometric(0.06)))
        case "day":
            return f"{rng.integers(1, 29):02d}"
        case "month":
            return f"{rng.integers(1, 13):02d}"
        case "pages":
            return str(int(rng.integers(48, 720)))
        case "size":
            sides = " x ".join(str(5 * int(rng.integers(1, 60))) for _ in range(int(rng.integers(1, 4))))
            return f"{sides} {('cm', 'mm', 'cm')[int(rng.integers(3))]}"
        case "ref":
            letters = "".join(chr(65 + int(rng.integers(26))) for _ in range(int(rng.integers(1, 4))))
            return f"{letters}{int(rng.integers(10, 99999))}"
        case _:
            raise ValueError(f"unknown slot in a form. Received: {slot!r}")
