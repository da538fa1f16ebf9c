"""Photos: a class's drawing in random colours, place, angle, light and company, as JPEG bytes."""

import io
import math

import numpy as np
from PIL import Image, ImageDraw

from local.sample.recipe import Photos
from local.sample.scenery import ground, hsv, lit
from local.sample.shapes import STEEL, WHITE, WOOD, Colour, Sketch, Tones, box, disc, lines, shaded, stroke
from local.sample.sketches import SKETCHES
from local.sample.vocabulary import Category, Vocabulary

OVERSAMPLING = 2


def photograph(code: int, vocabulary: Vocabulary, settings: Photos, rng: np.random.Generator) -> bytes:
    """One product's photo as JPEG bytes, its longer side between ``settings.smallest`` and ``settings.largest``.

    Like the text, the photo may belong to a neighbouring class (misdrawn) or to none (uninformative); the two are drawn
    apart from the text's own fate, which is what makes the modalities complete each other.
    """
    category, fate = vocabulary.categories[code], rng.random()
    if fate < settings.misdrawn:
        category = vocabulary.categories[category.near[int(rng.integers(len(category.near)))]]
    size = _size(settings, rng)
    kind = _backdrop(category, settings, rng)
    canvas = ground(kind, (size[0] * OVERSAMPLING, size[1] * OVERSAMPLING), rng)
    if settings.misdrawn <= fate < settings.misdrawn + settings.uninformative:
        _draw(canvas, _nothing_to_see(rng), settings, rng)
    else:
        _arrange(canvas, category, settings, rng)
    return _jpeg(lit(canvas.reduce(OVERSAMPLING), rng), rng)


def _size(settings: Photos, rng: np.random.Generator) -> tuple[int, int]:
    longer = int(rng.integers(settings.smallest, settings.largest + 1))
    shorter = max(settings.smallest, round(longer * math.exp(-abs(rng.normal(0, 0.12)))))
    return (longer, shorter) if rng.random() < 0.5 else (shorter, longer)


def _backdrop(category: Category, settings: Photos, rng: np.random.Generator) -> str:
    if rng.random() < settings.cut_out:
        return "white"
    return category.backgrounds[int(rng.integers(len(category.backgrounds)))]


def _arrange(canvas: Image.Image, category: Category, settings: Photos, rng: np.random.Generator) -> None:
    """The product, perhaps a second one behind it, perhaps something else in front."""
    draw_sketch = SKETCHES[category.sketches.pick(rng)]
    colours = _tones(category, settings, rng)
    copies = 2 if rng.random() < 0.08 else 1
    for _ in range(copies):
        _draw(canvas, draw_sketch(rng, colours), settings, rng, crowded=copies > 1)
    if rng.random() < settings.clutter:
        _draw(canvas, _clutter(rng, colours), settings, rng, crowded=True)


def _draw(
    canvas: Image.Image, sketch: Sketch, settings: Photos, rng: np.random.Generator, *, crowded: bool = False
) -> None:
    """Put a sketch on the canvas: turned, stretched, scaled and shifted."""
    half = min(canvas.size) / 2
    reach = half * (rng.uniform(0.42, 0.68) if crowded else rng.uniform(0.8, 0.97))
    angle = math.radians(rng.normal(0, settings.tilt) + (90 * int(rng.integers(1, 4)) if rng.random() < 0.03 else 0))
    cos, sin, stretch = math.cos(angle), math.sin(angle), math.exp(rng.normal(0, 0.07))
    shear = np.array([[1.0, rng.normal(0, 0.04)], [rng.normal(0, 0.04), 1.0]])
    matrix = reach * shear @ np.diag([stretch, 1 / stretch]) @ np.array([[cos, sin], [-sin, cos]])
    if rng.random() < 0.25:
        matrix[0] = -matrix[0]
    slack = 0.5 if crowded else 0.05
    middle = np.array(canvas.size) / 2 + half * rng.uniform(-slack, slack, 2)
    _paint(canvas, sketch, matrix, middle, reach)


def _paint(canvas: Image.Image, sketch: Sketch, matrix: np.ndarray, middle: np.ndarray, reach: float) -> None:
    brush = ImageDraw.Draw(canvas)
    for piece in sketch:
        points = (piece.points @ matrix + middle).ravel().tolist()
        if piece.width:
            brush.line(points, fill=piece.fill, width=max(1, round(piece.width * reach)), joint="curve")
        else:
            brush.polygon(points, fill=piece.fill)


def _tones(category: Category, settings: Photos, rng: np.random.Generator) -> Tones:
    """Five colours around one of the class's hues, or around any."""
    if rng.random() < settings.off_palette:
        hue = rng.uniform(0, 360)
    else:
        hue = category.hues[int(rng.integers(len(category.hues)))] + rng.normal(0, 14)
    main = hsv(hue, rng.uniform(0.15, 0.9), rng.uniform(0.35, 0.95))
    second = hsv(hue + rng.uniform(20, 340), rng.uniform(0.1, 0.8), rng.uniform(0.3, 0.95))
    accent = hsv(rng.uniform(0, 360), rng.uniform(0.4, 1.0), rng.uniform(0.5, 1.0))
    dark, light = hsv(hue, 0.5, rng.uniform(0.12, 0.4)), hsv(hue, rng.uniform(0, 0.15), rng.uniform(0.82, 0.98))
    return Tones(main, second, accent, dark, light)


def _clutter(rng: np.random.Generator, colours: Tones) -> Sketch:
    """What a seller adds: a carton, a price label, a watermark, a measuring line."""
    kind = int(rng.integers(4))
    if kind == 0:
        return [box(-0.8, -0.6, 0.8, 0.7, shaded(WOOD, 1.25)), box(-0.8, -0.05, 0.8, 0.1, shaded(WOOD, 1.5))]
    if kind == 1:
        return [disc(0, 0, 0.5, colours.accent), *lines((-0.3, -0.2, 0.3, 0.2), 2, WHITE, rng)]
    if kind == 2:
        return lines((-0.9, -0.2, 0.9, 0.2), 2, (200, 200, 200), rng)
    return [stroke([(-1, 0), (1, 0)], 0.02, STEEL), stroke([(-1, -0.1), (-1, 0.1)], 0.03, STEEL)]


def _nothing_to_see(rng: np.random.Generator) -> Sketch:
    """A photo that says nothing: a carton, a logo, a table of writing, a missing-picture sign."""
    colour: Colour = hsv(rng.uniform(0, 360), rng.uniform(0, 0.8), rng.uniform(0.3, 0.8))
    kind = int(rng.integers(4))
    if kind == 0:
        carton = shaded(WOOD, rng.uniform(1.0, 1.4))
        return [
            box(-0.9, -0.7, 0.9, 0.8, carton),
            box(-0.9, -0.1, 0.9, 0.08, shaded(carton, 1.2)),
            box(0.3, 0.3, 0.8, 0.65, WHITE),
        ]
    if kind == 1:
        return [
            disc(0, -0.2, rng.uniform(0.3, 0.6), colour),
            *lines((-0.8, 0.5, 0.8, 0.85), int(rng.integers(1, 3)), colour, rng),
        ]
    if kind == 2:
        return lines((-0.95, -0.95, 0.95, 0.95), int(rng.integers(6, 16)), colour, rng)
    grey = (190, 190, 190)
    return [
        box(-0.7, -0.4, 0.7, 0.5, grey),
        box(-0.25, -0.55, 0.25, -0.4, grey),
        disc(0, 0.05, 0.3, WHITE),
        disc(0, 0.05, 0.2, grey),
    ]


def _jpeg(picture: Image.Image, rng: np.random.Generator) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=int(rng.integers(62, 93)))
    return out.getvalue()
