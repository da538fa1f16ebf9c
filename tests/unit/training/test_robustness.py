"""Disturbed products: what is done to titles and photos, to which rows, and that nobody embeds them twice."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core.store.rows import TrainingRow
from preprocessing.images import ImageFolder, sanitise
from tests.unit.training.conftest import COLOURS, photo
from training.features import FeatureSet
from training.robustness import PHOTOS, TEXTS, blur, compress, disturb, mistype, sample, strip_accents, without_a_half

TITLE = "Édition spéciale coussin brodé housse lavable à l'été 1998"
ROW = TrainingRow("p0", "", TITLE, "", 10, "", "base", "holdout", "c0", "", "", "")


@dataclass
class Counting:
    """An encoder that counts what it is asked."""

    sha: str
    width: int = 2
    asked: list[int] = field(default_factory=list)

    def features(self, inputs: Any) -> NDArray[np.float16]:
        self.asked.append(len(inputs))
        return np.array([[len(str(one)) % 100, np.size(one) % 100] for one in inputs], np.float16)


def test_a_mistyped_title_keeps_its_words_and_slips_in_some() -> None:
    slipped = mistype(TITLE)
    assert slipped == mistype(TITLE)
    pairs = list(zip(TITLE.split(), slipped.split(), strict=True))
    assert 1 <= sum(before != after for before, after in pairs) < len(pairs)
    assert all(abs(len(before) - len(after)) <= 1 for before, after in pairs)
    assert mistype("") == ""


def test_missing_accents_change_no_other_letter() -> None:
    assert strip_accents("Éditée à Noël, 12 €") == "Editee a Noel, 12 €"


@pytest.mark.parametrize("spoil", [blur, compress])
def test_a_spoilt_photo_keeps_its_shape_and_loses_detail(spoil: Any) -> None:
    noisy = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    spoilt = spoil(noisy)
    assert (spoilt.shape, spoilt.dtype) == (noisy.shape, np.uint8)
    assert spoilt.std() < noisy.std()


def test_the_sample_is_the_same_after_new_rows_came_and_prefers_the_frozen_hold_out() -> None:
    frozen = [replace(ROW, product_id=f"p{at}", cluster=f"c{at}") for at in range(40)]
    fresh = [replace(ROW, product_id=f"f{at}", split="fresh") for at in range(40)]
    assert sample(frozen, 10).tolist() == sample([*frozen, *fresh], 10).tolist()
    assert len(sample([*fresh[:5], *frozen], 200)) == 45
    assert {*sample([*fresh, *frozen], 40)} == set(range(40, 80))


def test_without_a_half_nothing_of_it_is_left() -> None:
    both = FeatureSet({}, ("a", "b"), np.ones(2, bool), np.ones(2, bool), 0)
    text, image = without_a_half(both, "text only"), without_a_half(both, "image only")
    assert (text.has_image.any(), text.has_text.all(), text.texts) == (False, True, ("a", "b"))
    assert (image.has_text.any(), image.has_image.all(), image.texts) == (False, True, ("", ""))


def test_disturbed_rows_are_embedded_once_per_encoder(tmp_path: Path) -> None:
    picture = sanitise(photo(COLOURS[10], 1), max_bytes=10**6, max_pixels=10**6)
    ImageFolder(tmp_path / "images").put(picture)
    rows = [replace(ROW, image_sha256=picture.sha256), replace(ROW, product_id="p1", designation="")]
    features = FeatureSet(
        arrays={"text": np.zeros((2, 2), np.float16), "image": np.zeros((2, 2), np.float16)},
        texts=(TITLE, ""),
        has_text=np.array([True, False]),
        has_image=np.array([True, False]),
        embedded_rows=0,
    )
    encoders = {"text": Counting("t" * 64), "image": Counting("i" * 64)}
    folders = {"images": tmp_path / "images", "cache_root": tmp_path / "features"}
    first = disturb(rows, features, encoders=encoders, **folders)
    again = disturb(rows, features, encoders=encoders, **folders)
    assert set(first) == {*TEXTS, *PHOTOS}
    assert [one.asked for one in encoders.values()] == [[1, 1], [1, 1]]
    for name, one in first.items():
        assert all(np.array_equal(one.arrays[it], again[name].arrays[it]) for it in ("text", "image"))
        assert not one.arrays["text"][1].any()
        assert (one.texts == features.texts) == (name in PHOTOS)
