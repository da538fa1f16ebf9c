"""Whether a window of products looks like its reference."""

import numpy as np
import pytest

from core.domain.watch import Finding
from preprocessing.images import sanitise
from tests.toys.photos import encode, picture
from training.watch import drift, features
from training.watch.drift import Drift, compare

FRENCH = ["lampe", "de", "bureau", "en", "métal", "rouge", "avec", "abat-jour", "et", "ampoule"]
GERMAN = ["Größe", "schöne", "Schreibtischlampe", "für", "Außen", "weiß", "mit", "Birne"]


def titles(random: np.random.Generator, words: list[str], count: int) -> list[tuple[str, str | None]]:
    return [(" ".join(random.choice(words, 4)), None) for _ in range(count)]


def test_products_of_one_kind_alarm_as_seldom_as_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "PERMUTATIONS", 99)
    random = np.random.default_rng(6)
    samples = [random.normal(size=(2, 40, 5)).astype(np.float32) for _ in range(200)]
    alarms = sum(compare(one, other).chance <= 0.05 for one, other in samples)
    assert alarms <= 19  # 10 of 200, and three standard deviations


def test_a_third_of_the_texts_in_another_language_is_found() -> None:
    random = np.random.default_rng(7)
    before = features.of_texts(titles(random, FRENCH, 100))
    now = features.of_texts(titles(random, FRENCH, 67) + titles(random, GERMAN, 33))
    assert compare(before, now).finding(0.01) is Finding.ALARM


def test_what_is_sure_but_small_is_not_worth_an_alarm() -> None:
    assert Drift(effect=0.0009, chance=0.001).finding(0.01) is Finding.WELL
    assert Drift(effect=0.0011, chance=0.001).finding(0.01) is Finding.ALARM
    assert Drift(effect=0.5, chance=0.02).finding(0.01) is Finding.WELL


def test_all_alike_is_no_change() -> None:
    same = np.ones((20, 3), np.float32)
    assert compare(same, same) == Drift(0.0, 1.0)


def test_two_worlds_apart_explain_most_of_the_spread() -> None:
    random = np.random.default_rng(9)
    far = compare(random.normal(size=(50, 2)).astype(np.float32), random.normal(9, size=(50, 2)).astype(np.float32))
    assert far.effect > 0.5
    assert far.chance == pytest.approx(1 / (1 + drift.PERMUTATIONS))


def test_a_text_is_described_by_letters_length_and_whether_there_is_a_description() -> None:
    bare, empty, long = features.of_texts([("Lampe", None), ("<br>", " "), ("Lampe", "pour lire le soir")])
    assert np.linalg.norm(bare[:-2]) == pytest.approx(1.0)
    assert np.linalg.norm(empty) == 0.0
    assert long[-2] > bare[-2]
    assert (bare[-1], long[-1]) == (0.0, 0.25)


def test_a_photo_is_described_by_numbers_between_0_and_1() -> None:
    described = features.of_photo(sanitise(encode(picture(), "PNG"), max_bytes=10**6, max_pixels=10**6).data)
    assert described.dtype == np.float32
    assert 0.0 <= described.min() < described.max() <= 1.0
