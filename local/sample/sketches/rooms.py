"""Furniture, linen and decoration."""

import numpy as np

from local.sample.shapes import (
    BLACK,
    STEEL,
    WHITE,
    WOOD,
    Colour,
    Sketch,
    Tones,
    box,
    curve,
    disc,
    pillow,
    polygon,
    ring,
    shaded,
    stroke,
)


def _timber(rng: np.random.Generator, tones: Tones) -> Colour:
    """Mostly wood, sometimes lacquer."""
    return shaded(WOOD, rng.uniform(0.5, 1.5)) if rng.random() < 0.65 else tones.main


def wardrobe(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Doors over drawers, with handles."""
    timber, doors, drawers = _timber(rng, tones), int(rng.integers(1, 4)), int(rng.integers(0, 4))
    half = rng.uniform(0.5, 0.95)
    split = 0.9 - 0.22 * drawers
    sketch = [box(-half, -0.95, half, 0.95, shaded(timber, 0.7))]
    width = 2 * half / doors
    for i in range(doors):
        left = -half + i * width
        sketch.append(box(left + 0.04, -0.9, left + width - 0.04, split - 0.03, timber))
        sketch.append(box(left + width - 0.14, -0.1, left + width - 0.1, 0.1, STEEL))
    for i in range(drawers):
        top = split + 0.22 * i
        sketch += [
            box(-half + 0.04, top, half - 0.04, top + 0.19, shaded(timber, 1.1)),
            disc(0, top + 0.1, 0.04, STEEL),
        ]
    return sketch


def table(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A top on four legs, seen a little from above."""
    timber, top, splay = _timber(rng, tones), rng.uniform(-0.5, 0.1), rng.uniform(-0.15, 0.1)
    metal = BLACK if rng.random() < 0.4 else shaded(timber, 0.75)
    legs = [
        stroke([(x, top), (x + np.sign(x) * splay, 0.85 + dy)], 0.08, metal)
        for x, dy in ((-0.85, 0), (0.85, 0), (-0.55, -0.18), (0.55, -0.18))
    ]
    return [
        *legs,
        polygon([(-1, top), (-0.72, top - 0.3), (0.72, top - 0.3), (1, top)], timber),
        box(-1, top, 1, top + 0.09, shaded(timber, 0.8)),
    ]


def chair(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Back, seat, legs; with or without slats."""
    timber = _timber(rng, tones)
    legs = [
        stroke([(x, 0.2), (x * rng.uniform(0.9, 1.2), 0.98)], 0.08, shaded(timber, 0.7)) for x in (-0.5, 0.5, -0.3, 0.3)
    ]
    back = pillow(0, -0.5, 0.5, 0.5, 6, tones.main)
    if rng.random() < 0.4:
        slats = [stroke([(x, -0.95), (x, 0.1)], 0.07, timber) for x in np.linspace(-0.48, 0.48, 5).tolist()]
        return [*legs, *slats, pillow(0, 0.16, 0.6, 0.16, 4, timber)]
    return [*legs, back, pillow(0, 0.16, 0.62, 0.18, 4, shaded(tones.main, 0.85))]


def sofa(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Back, arms, two or three seats."""
    cloth, seats = tones.main, int(rng.integers(1, 4))
    half = 0.4 + 0.2 * seats
    width = (2 * half - 0.3) / seats
    cushions = [
        pillow(-half + 0.15 + (i + 0.5) * width, 0.2, width * 0.48, 0.18, 6, shaded(cloth, 1.15)) for i in range(seats)
    ]
    arms = [pillow(x, 0.22, 0.16, 0.38, 5, shaded(cloth, 0.85)) for x in (-half, half)]
    feet = [box(x - 0.05, 0.55, x + 0.05, 0.72, WOOD) for x in (-half + 0.1, half - 0.1)]
    return [
        *feet,
        pillow(0, -0.15, half, 0.42, 6, shaded(cloth, 0.95)),
        box(-half, 0.2, half, 0.56, cloth),
        *cushions,
        *arms,
    ]


def shelf(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Boards between two sides, with things on them."""
    timber, boards = _timber(rng, tones), int(rng.integers(3, 7))
    sketch = [stroke([(x, -0.95), (x, 0.98)], 0.08, timber) for x in (-0.7, 0.7)]
    for y in np.linspace(-0.9, 0.9, boards).tolist():
        sketch.append(box(-0.74, y, 0.74, y + 0.07, timber))
        if rng.random() < 0.6:
            x = rng.uniform(-0.5, 0.3)
            sketch.append(box(x, y - 0.2, x + rng.uniform(0.1, 0.35), y, tones[int(rng.integers(5))]))
    return sketch


def bed(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Headboard, pillows, cover."""
    timber = _timber(rng, tones)
    return [
        pillow(0, -0.45, 0.9, 0.45, 8, timber),
        polygon([(-0.85, -0.15), (0.85, -0.15), (1.0, 0.8), (-1.0, 0.8)], WHITE),
        polygon([(-0.9, rng.uniform(0.1, 0.35)), (0.9, 0.2), (1.0, 0.85), (-1.0, 0.85)], tones.main),
        pillow(-0.42, -0.1, 0.34, 0.16, 3, tones.light),
        pillow(0.42, -0.1, 0.34, 0.16, 3, tones.light),
        box(-1.0, 0.8, 1.0, 0.92, shaded(timber, 0.8)),
    ]


def cushion(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A square with soft corners and a print: stripes, dots, a motif or nothing."""
    sketch = [pillow(0, 0, 0.95, 0.95, rng.uniform(2.6, 5), tones.main)]
    kind = int(rng.integers(4))
    if kind == 0:
        sketch += [box(-0.78, y, 0.78, y + 0.09, tones.light) for y in np.arange(-0.7, 0.7, 0.28).tolist()]
    elif kind == 1:
        sketch += [disc(x, y, 0.1, tones.accent) for x in (-0.5, 0, 0.5) for y in (-0.5, 0, 0.5)]
    elif kind == 2:
        sketch += [polygon([(0, -0.6), (0.5, 0), (0, 0.6), (-0.5, 0)], tones.accent), disc(0, 0, 0.2, tones.light)]
    return [*sketch, stroke([(-0.75, 0.78), (0.75, 0.78)], 0.03, shaded(tones.main, 0.7))]


def folded_linen(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A pile of folded cloth with rounded edges."""
    count = int(rng.integers(2, 6))
    thick = 1.3 / count
    sketch: Sketch = []
    for i in range(count):
        colour, y = shaded(tones[int(rng.integers(2))], rng.uniform(0.85, 1.2)), 0.65 - i * thick
        sketch.append(pillow(0, y, 0.85 + rng.uniform(-0.06, 0.06), thick * 0.48, 7, colour))
        sketch.append(stroke([(-0.8, y), (0.6, y)], 0.02, shaded(colour, 0.75)))
    return sketch


def curtain(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Two hanging panels with folds under a rod."""
    gap, folds = rng.uniform(0.05, 0.5), int(rng.integers(3, 7))
    sketch: Sketch = []
    for left, right in ((-0.95, -gap), (gap, 0.95)):
        sketch.append(box(left, -0.85, right, 0.95, tones.main))
        sketch += [
            box(x, -0.85, x + 0.05, 0.95, shaded(tones.main, 0.8))
            for x in np.linspace(left, right - 0.05, folds).tolist()
        ]
    return [*sketch, stroke([(-1.05, -0.88), (1.05, -0.88)], 0.08, STEEL)]


def frame(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A picture in its frame."""
    border = rng.uniform(0.05, 0.16)
    ground = rng.uniform(0.0, 0.5)
    return [
        box(-0.95, -0.8, 0.95, 0.8, tones.dark),
        box(-0.95 + border, -0.8 + border, 0.95 - border, 0.8 - border, tones.light),
        box(-0.75, ground, 0.75, 0.6, tones.main),
        disc(rng.uniform(-0.4, 0.4), -0.2, rng.uniform(0.15, 0.32), tones.accent),
        polygon([(-0.75, ground), (-0.3, -0.2), (0.2, ground)], tones.second),
    ]


def vase(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A vase with stems and flowers."""
    belly, neck = rng.uniform(0.3, 0.55), rng.uniform(0.1, 0.22)
    stems = [(rng.uniform(-0.7, 0.7), rng.uniform(-0.95, -0.45)) for _ in range(int(rng.integers(2, 7)))]
    leaves = [stroke([(0, 0.0), (x * 0.6, y * 0.6), (x, y)], 0.04, (70, 120, 60)) for x, y in stems]
    heads = [disc(x, y, rng.uniform(0.1, 0.2), tones.accent) for x, y in stems]
    return [
        *leaves,
        *heads,
        disc(0, 0.55, belly, tones.main, 0.42),
        polygon([(-neck, 0.4), (-neck * 1.3, -0.02), (neck * 1.3, -0.02), (neck, 0.4)], tones.main),
    ]


def garland(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A hanging string of lights or flags."""
    count, flags = int(rng.integers(6, 12)), rng.random() < 0.4
    xs = np.linspace(-1, 1, count)
    sketch: Sketch = []
    for level in np.linspace(-0.6, 0.5, int(rng.integers(1, 4))).tolist():
        ys = level + 0.3 * (1 - xs**2)
        sketch.append(stroke(list(zip(xs.tolist(), ys.tolist(), strict=True)), 0.03, tones.dark))
        for i, (x, y) in enumerate(zip(xs.tolist(), ys.tolist(), strict=True)):
            tone = tones[(0, 2, 4)[i % 3]]
            sketch.append(
                polygon([(x - 0.09, y), (x + 0.09, y), (x, y + 0.25)], tone) if flags else disc(x, y + 0.1, 0.08, tone)
            )
    return sketch


def clock(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A dial with marks and hands."""
    hours = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    marks = [disc(float(0.72 * np.cos(a)), float(0.72 * np.sin(a)), 0.05, tones.dark) for a in hours]
    a, b = rng.uniform(0, 2 * np.pi, 2)
    hands = [
        stroke([(0, 0), (0.42 * np.cos(a), 0.42 * np.sin(a))], 0.07, BLACK),
        stroke([(0, 0), (0.65 * np.cos(b), 0.65 * np.sin(b))], 0.04, BLACK),
    ]
    return [disc(0, 0, 0.95, tones.main), disc(0, 0, 0.82, tones.light), *marks, *hands, disc(0, 0, 0.07, tones.accent)]


def lamp(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A shade on a foot, or hanging from a wire."""
    top, bottom = rng.uniform(0.2, 0.5), rng.uniform(0.5, 0.8)
    shade = polygon([(-top, -0.8), (top, -0.8), (bottom, 0.0), (-bottom, 0.0)], tones.main)
    if rng.random() < 0.35:
        return [stroke([(0, -1.1), (0, -0.75)], 0.03, BLACK), shade, disc(0, 0.08, 0.28, tones.light, 0.18)]
    return [stroke([(0, 0), (0, 0.9)], 0.07, STEEL), disc(0, 0.92, 0.4, tones.dark, 0.1), shade]


def candle(rng: np.random.Generator, tones: Tones) -> Sketch:
    """One to three candles with flames."""
    sketch: Sketch = []
    for x in (-0.55, 0.0, 0.55)[: int(rng.integers(1, 4))]:
        top = rng.uniform(-0.5, 0.3)
        sketch += [box(x - 0.2, top, x + 0.2, 0.9, tones.main), disc(x, top, 0.2, tones.light, 0.06)]
        sketch.append(
            polygon([(x, top - 0.4), (x + 0.09, top - 0.12), (x, top - 0.04), (x - 0.09, top - 0.12)], (250, 190, 60))
        )
    return [*sketch, disc(0, 0.92, 0.9, tones.dark, 0.08)]


def rug(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A mat with a border and a medallion."""
    return [
        polygon([(-0.8, -0.4), (0.8, -0.4), (1.0, 0.6), (-1.0, 0.6)], tones.dark),
        polygon([(-0.7, -0.3), (0.7, -0.3), (0.85, 0.48), (-0.85, 0.48)], tones.main),
        ring(0, 0.08, rng.uniform(0.3, 0.5), 0.07, tones.accent, 0.2),
        curve(0, 0.08, 0.15, 0.1, (0, 1), 0.05, tones.light),
    ]
