"""Which photos show the same picture, and which do not."""

import hashlib
import io
import json
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from core.domain.clusters import Signature
from preprocessing.images import fit_photo, sanitise
from preprocessing.ingest import near_photos
from preprocessing.ingest.near_photos import are_near, sign_photo


def product(seed: int) -> Image.Image:
    """A drawn product of some parts on white, as shops photograph them."""
    draw = np.random.default_rng(seed)
    photo = Image.new("RGB", (480, 400), "white")
    canvas = ImageDraw.Draw(photo)
    for _ in range(9):
        left, top = draw.integers(60, 300), draw.integers(50, 250)
        box = (left, top, left + draw.integers(30, 120), top + draw.integers(30, 100))
        canvas.rectangle(box, fill=tuple(int(level) for level in draw.integers(0, 200, 3)))
    return photo


def scene(seed: int) -> Image.Image:
    """A picture that reaches its edges, so that it has no margin to be cut to."""
    tiles = np.random.default_rng(seed).integers(0, 256, (9, 11, 3), np.uint8)
    return Image.fromarray(tiles).resize((440, 360), Image.Resampling.BICUBIC)


def stored(photo: Image.Image, quality: int = 95) -> Image.Image:
    upload = io.BytesIO()
    photo.save(upload, "JPEG", quality=quality)
    return fit_photo(sanitise(upload.getvalue(), max_bytes=10**7, max_pixels=10**7).data)


def signed(photo: Image.Image) -> Signature:
    signature = sign_photo(stored(photo))
    assert signature is not None
    return signature


def on_margin(photo: Image.Image) -> Image.Image:
    wide = Image.new("RGB", (photo.width + 60, photo.height + 20), "white")
    wide.paste(photo, (30, 10))
    return wide


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "compressed again": lambda photo: stored(photo, quality=40),
    "resized": lambda photo: stored(photo.resize((280, 233))),
    "brightened": lambda photo: stored(ImageEnhance.Brightness(photo).enhance(1.12)),
    "darkened": lambda photo: stored(ImageEnhance.Brightness(photo).enhance(0.88)),
    "with more contrast": lambda photo: stored(ImageEnhance.Contrast(photo).enhance(1.2)),
    "on a wider margin": lambda photo: stored(on_margin(photo)),
    "cropped": lambda photo: stored(photo.crop((14, 12, 466, 388))),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("seed", range(8))
def test_a_changed_copy_is_found_and_confirmed(change: str, seed: int) -> None:
    original, copy = signed(product(seed)), sign_photo(CHANGES[change](product(seed)))
    assert copy is not None
    assert {*original.keys} & {*copy.keys}
    assert are_near(original.content, [copy.content]) == are_near(copy.content, [original.content]) == [True]


def test_different_products_on_white_are_not_near() -> None:
    contents = [signed(product(seed)).content for seed in range(60)]
    pairs = [
        (one, at) for one, content in enumerate(contents) for at, near in enumerate(are_near(content, contents)) if near
    ]
    assert pairs == [(number, number) for number in range(60)]


@pytest.mark.parametrize("seed", range(8))
def test_a_picture_without_margins_is_found_when_a_little_is_cropped_off(seed: int) -> None:
    picture = scene(seed)
    original, copy = signed(picture), signed(picture.crop((13, 11, 427, 349)))
    assert {*original.keys} & {*copy.keys}
    assert are_near(original.content, [copy.content]) == are_near(copy.content, [original.content]) == [True]


def test_different_grey_products_are_not_near() -> None:
    """Their colours cannot tell them apart, their shapes do."""
    contents = [signed(product(seed).convert("L").convert("RGB")).content for seed in range(40)]
    assert [sum(are_near(content, contents)) for content in contents] == [1] * 40


def test_the_same_shape_in_another_colour_is_not_near() -> None:
    shape = product(1)
    assert are_near(signed(shape).content, [signed(Image.merge("RGB", shape.split()[::-1])).content]) == [False]


@pytest.mark.parametrize("colour", ["white", "black", (200, 30, 30)])
def test_an_empty_photo_has_no_signature(colour: str | tuple[int, int, int]) -> None:
    """Or every product without a real photo would be a copy of every other."""
    assert sign_photo(stored(Image.new("RGB", (300, 300), colour))) is None


def test_the_signature_is_the_one_that_is_stored() -> None:
    """Stored keys and contents have to be found again: another library may not change them under this name."""
    pixels = np.random.default_rng(5).integers(0, 256, (14, 14, 3), np.uint8).repeat(16, axis=0).repeat(16, axis=1)
    signature = sign_photo(Image.fromarray(pixels))
    assert signature is not None
    parts = json.dumps([signature.rule, signature.keys, signature.content.hex()])
    assert (near_photos.RULE, hashlib.sha256(parts.encode()).hexdigest()[:16]) == ("photo-1", "2525bc8314e78b1c")
