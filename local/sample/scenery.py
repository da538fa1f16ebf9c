"""What surrounds a product on its photo: the ground it stands on, the light, the camera's grain."""

import colorsys
import functools

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from local.sample.shapes import WOOD, Colour

GRAIN_SIDE = 640  # pixels; larger than any photo, so that a random window fits
TEXTURED: dict[str, Colour] = {
    "grass": (104, 146, 70),
    "water": (96, 178, 208),
    "fabric": (206, 198, 190),
    "wood": WOOD,
}


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """A colour from a hue in degrees and saturation and value in 0..1."""
    red, green, blue = colorsys.hsv_to_rgb(hue / 360 % 1.0, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def ground(kind: str, size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """An RGB picture of ``size`` pixels (width, height) for a background named in the theme files.

    Raises:
        ValueError: nothing is known under that name.
    """
    if kind == "white":
        return Image.new("RGB", size, (255 - int(rng.integers(0, 6)),) * 3)
    if kind == "plain":
        return Image.new("RGB", size, hsv(rng.uniform(0, 360), rng.uniform(0.05, 0.5), rng.uniform(0.6, 1.0)))
    if kind in ("studio", "dark"):
        low, high = (0.72, 1.0) if kind == "studio" else (0.1, 0.4)
        return _slope(size, hsv(rng.uniform(0, 360), 0.06, low), hsv(rng.uniform(0, 360), 0.04, high), rng)
    if kind == "sky":
        return _slope(size, hsv(208, rng.uniform(0.3, 0.5), 0.9), hsv(205, 0.1, 0.97), rng)
    if kind == "room":
        return _room(size, rng)
    if kind in TEXTURED:
        return _texture(size, TEXTURED[kind], rng, stretched=kind in ("wood", "water"))
    raise ValueError(f"unknown background in a theme file. Received: {kind!r}")


def _slope(size: tuple[int, int], first: Colour, last: Colour, rng: np.random.Generator) -> Image.Image:
    corners = rng.uniform(0.0, 1.0, (2, 2, 1))
    mixed = np.array(first) * corners + np.array(last) * (1 - corners)
    return Image.fromarray(mixed.astype(np.uint8)).resize(size, Image.Resampling.BILINEAR)


def _room(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    hue = rng.uniform(0, 360)
    picture = Image.new("RGB", size, hsv(hue, rng.uniform(0.02, 0.25), rng.uniform(0.7, 0.95)))
    horizon = round(size[1] * rng.uniform(0.55, 0.8))
    floor = hsv(rng.uniform(15, 45), rng.uniform(0.15, 0.5), rng.uniform(0.4, 0.8))
    ImageDraw.Draw(picture).rectangle((0, horizon, *size), fill=floor)
    return picture


def _texture(size: tuple[int, int], colour: Colour, rng: np.random.Generator, *, stretched: bool) -> Image.Image:
    cells = (24, 5) if stretched else (60, 60)
    if rng.random() < 0.5:
        cells = cells[::-1]
    noise = 1 + rng.uniform(0.03, 0.1) * rng.standard_normal((*cells, 1))
    tiles = np.clip(np.array(colour) * rng.uniform(0.8, 1.15) * noise, 0, 255)
    return Image.fromarray(tiles.astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)


def lit(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The photo under uneven light, as a slightly unsharp and noisy camera sees it."""
    if rng.random() < 0.5:
        light = rng.uniform(0.68, 1.0, (2, 2, 1)) * rng.uniform(0.93, 1.0, (1, 1, 3))
        glow = Image.fromarray((255 * light).astype(np.uint8)).resize(picture.size, Image.Resampling.BILINEAR)
        picture = ImageChops.multiply(picture, glow)
    if rng.random() < 0.3:
        picture = picture.filter(ImageFilter.BoxBlur(rng.uniform(0.4, 1.3)))
    if rng.random() < 0.6:
        left, top = (int(rng.integers(0, GRAIN_SIDE - side + 1)) for side in picture.size)
        window = _grain().crop((left, top, left + picture.width, top + picture.height))
        picture = ImageChops.add(picture, window, offset=-128)
    return picture


@functools.cache
def _grain() -> Image.Image:
    """Camera noise around 128, the same for every catalogue; each photo takes another window of it."""
    noise = np.random.default_rng(0).normal(128, 5, (GRAIN_SIDE, GRAIN_SIDE, 3))
    return Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8))
