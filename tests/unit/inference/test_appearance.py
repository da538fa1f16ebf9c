"""Oriented gradients and colour."""

import hashlib
import json

import numpy as np
import pytest

from inference import appearance
from preprocessing.spec import UnsupportedPreprocessing


def photos(count: int) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (count, 224, 224, 3), dtype=np.uint8)


def test_features_are_finite_half_precision_numbers_in_the_unit_interval() -> None:
    described = appearance.features(photos(2))
    assert described.shape == (2, appearance.WIDTH)
    assert described.dtype == np.float16
    assert described.min() >= 0
    assert described.max() <= 1


def test_a_photo_is_described_the_same_alone_and_in_a_batch() -> None:
    batch = photos(3)
    assert np.array_equal(appearance.features(batch)[1:2], appearance.features(batch[1:2]))


def test_no_photos_give_no_rows() -> None:
    assert appearance.features(photos(0)).shape == (0, appearance.WIDTH)


def test_a_plain_photo_has_no_gradients_and_no_deviation() -> None:
    plain = appearance.features(np.full((1, 224, 224, 3), 255, dtype=np.uint8))[0]
    assert np.count_nonzero(plain) == 1 + 8 * 8 * 3  # no subject, one histogram bin and every cell's mean


def test_colour_and_contour_both_change_the_description() -> None:
    base = np.full((3, 224, 224, 3), 255, dtype=np.uint8)
    base[1] = (200, 30, 30)
    base[2, 60:160, 60:160] = 0
    described = appearance.features(base).astype(np.float64)
    assert np.abs(described[0] - described[1]).max() > 0.1
    assert np.abs(described[0] - described[2]).max() > 0.1


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="Received"):
        appearance.features(np.zeros((1, 200, 224, 3), dtype=np.uint8))


def test_a_subject_is_described_alike_wherever_it_lies_and_however_large() -> None:
    two = np.full((2, 224, 224, 3), 255, dtype=np.uint8)
    shape = np.zeros((100, 60, 3), np.uint8)
    shape[:40, 20:] = 120
    two[0, 10:110, 20:80] = shape
    two[1, 12:212, 100:220] = shape.repeat(2, axis=0).repeat(2, axis=1)
    described = appearance.features(two).astype(np.float64)
    whole, subject = described[:, :2132], described[:, 2132:]
    assert np.abs(subject[0] - subject[1]).mean() < 0.01 < np.abs(whole[0] - whole[1]).mean()


def test_packages_of_the_first_rule_are_still_served_by_what_they_learnt_from() -> None:
    first = "e3b0a24f51009f996c7c744055db4029274145ad06ba3d109a8a3ace3a611cf2"
    batch = photos(2)
    assert np.array_equal(appearance.Appearance.open(first).features(batch), appearance.features(batch)[:, :2132])
    assert appearance.Appearance.open(appearance.APPEARANCE_SHA).width == appearance.WIDTH
    with pytest.raises(UnsupportedPreprocessing):
        appearance.Appearance.open("0" * 64)


def test_the_cache_key_follows_the_parameters() -> None:
    changed = {**appearance.PARAMETERS, "orientations": 8}
    other = hashlib.sha256(json.dumps(changed, sort_keys=True).encode()).hexdigest()
    assert other != appearance.APPEARANCE_SHA
    assert len(appearance.APPEARANCE_SHA) == 64
