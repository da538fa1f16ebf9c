"""What fits in a hand: food, pets' things, paper, and what babies wear and use."""

import numpy as np

from local.sample.shapes import (
    BLACK,
    STEEL,
    WHITE,
    WOOD,
    Sketch,
    Tones,
    box,
    curve,
    disc,
    lines,
    moved,
    pillow,
    polygon,
    ring,
    sector,
    shaded,
    stroke,
)


def jar(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Glass, lid and label."""
    half = rng.uniform(0.45, 0.7)
    return [
        pillow(0, 0.15, half, 0.8, 7, shaded(tones.main, 0.9)),
        box(-half * 0.85, -0.95, half * 0.85, -0.65, tones.dark),
        box(-half, -0.15, half, 0.5, tones.light),
        disc(0, 0.12, 0.16, tones.accent),
        *lines((-half * 0.7, 0.3, half * 0.7, 0.46), 1, tones.dark, rng),
    ]


def pouch(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A standing bag with a window and a big name."""
    waist = rng.uniform(0.5, 0.68)
    return [
        polygon([(-0.65, -1), (0.65, -1), (waist, -0.2), (0.75, 0.95), (-0.75, 0.95), (-waist, -0.2)], tones.main),
        box(-0.65, -1, 0.65, -0.86, shaded(tones.main, 0.7)),
        *lines((-0.45, -0.65, 0.45, -0.3), 2, tones.light, rng),
        disc(0, 0.35, 0.36, tones.accent, 0.3),
        *[disc(float(x), 0.35 + float(y), 0.08, WOOD) for x, y in rng.uniform(-0.2, 0.2, (6, 2))],
    ]


def bottle(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Body, shoulders, neck, cap, label."""
    half = rng.uniform(0.24, 0.38)
    glass = shaded(tones.main, 0.8)
    return [
        polygon(
            [
                (-0.1, -0.8),
                (0.1, -0.8),
                (0.12, -0.4),
                (half, -0.1),
                (half, 0.95),
                (-half, 0.95),
                (-half, -0.1),
                (-0.12, -0.4),
            ],
            glass,
        ),
        box(-0.12, -0.98, 0.12, -0.78, tones.dark),
        box(-half, 0.15, half, 0.7, tones.light),
        *lines((-half * 0.8, 0.25, half * 0.8, 0.6), 3, tones.accent, rng),
    ]


def chocolate_bar(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Squares coming out of a wrapper."""
    brown = shaded((96, 58, 34), rng.uniform(0.8, 1.5))
    squares = [
        box(x, y, x + 0.26, y + 0.26, shaded(brown, 1.25)) for x in (-0.5, -0.2, 0.1) for y in (-0.92, -0.62, -0.32)
    ]
    sleeve = box(-0.6, rng.uniform(-0.3, 0.1), 0.5, 0.98, tones.main)
    return [box(-0.55, -0.98, 0.42, 0.3, brown), *squares, sleeve, *lines((-0.45, 0.3, 0.35, 0.7), 2, tones.light, rng)]


def bowl(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A bowl with or without kibble."""
    food = [disc(float(x), -0.2 + float(y), 0.09, WOOD) for x, y in rng.uniform((-0.55, -0.12), (0.55, 0.08), (9, 2))]
    return [
        polygon([(-0.75, -0.2), (0.75, -0.2), (0.98, 0.6), (-0.98, 0.6)], tones.main),
        disc(0, -0.2, 0.76, shaded(tones.main, 0.7), 0.2),
        *(food if rng.random() < 0.6 else []),
        pillow(0, 0.22, 0.22, 0.12, 1.6, tones.light),
    ]


def collar(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A strap in a ring with a buckle and a tag."""
    flat = rng.uniform(0.4, 0.7)
    return [
        ring(0, -0.1, 0.82, rng.uniform(0.14, 0.26), tones.main, flat),
        box(-0.16, flat - 0.28, 0.16, flat + 0.08, STEEL),
        disc(0.02, flat + 0.25, 0.16, tones.accent),
        *[disc(float(0.82 * np.cos(a)), float(flat * np.sin(a)) - 0.1, 0.04, STEEL) for a in np.linspace(3.4, 6, 8)],
    ]


def bone(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A bone, whole."""
    colour = tones.light if rng.random() < 0.6 else tones.main
    knuckles = [disc(x, y, rng.uniform(0.2, 0.26), colour) for x in (-0.72, 0.72) for y in (-0.18, 0.18)]
    return [
        box(-0.7, -0.15, 0.7, 0.15, colour),
        *knuckles,
        stroke([(-0.5, 0.06), (0.5, 0.06)], 0.03, shaded(colour, 0.8)),
    ]


def kennel(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A small house with a round door."""
    peak = rng.uniform(-0.98, -0.75)
    return [
        box(-0.7, -0.25, 0.7, 0.92, shaded(WOOD, rng.uniform(0.8, 1.4))),
        polygon([(-0.95, -0.2), (0, peak), (0.95, -0.2)], tones.main),
        disc(0, 0.35, 0.34, BLACK, 0.38),
        box(-0.34, 0.35, 0.34, 0.92, BLACK),
    ]


def fish_tank(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Water behind glass, weeds, fish."""
    weeds = [
        stroke([(x, 0.6), (x + 0.1, 0.2), (x - 0.05, -0.2)], 0.06, (60, 130, 70))
        for x in rng.uniform(-0.8, 0.8, 4).tolist()
    ]
    fish = [
        pillow(float(x), float(y), 0.14, 0.07, 1.7, tones.accent)
        for x, y in rng.uniform((-0.7, -0.3), (0.7, 0.4), (4, 2))
    ]
    return [
        box(-1, -0.7, 1, 0.75, BLACK),
        box(-0.94, -0.55, 0.94, 0.68, (120, 180, 210)),
        *weeds,
        *fish,
        box(-0.94, 0.58, 0.94, 0.68, WOOD),
    ]


def pen(rng: np.random.Generator, tones: Tones) -> Sketch:
    """One to three slanted pens."""
    sketch: Sketch = []
    count = int(rng.integers(1, 4))
    for i in range(count):
        one = [box(-0.09, -0.9, 0.09, 0.6, tones[i % 3]), polygon([(-0.09, 0.6), (0.09, 0.6), (0, 0.95)], STEEL)]
        one += [box(-0.1, -0.9, 0.1, -0.45, tones.dark), box(0.1, -0.85, 0.16, -0.35, STEEL)]
        sketch += moved(one, 0.45 * (i - (count - 1) / 2), 0, 1.0, rng.uniform(-50, -20))
    return sketch


def pencils(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A row of upright colour pencils."""
    count = int(rng.integers(4, 10))
    sketch: Sketch = []
    for i in range(count):
        x, top, width = -0.9 + 1.8 * i / count, rng.uniform(-0.75, -0.5), 1.5 / count
        colour = shaded(tones[int(rng.integers(5))], rng.uniform(0.7, 1.3))
        sketch.append(box(x, top, x + width, 0.95, colour))
        sketch.append(polygon([(x, top), (x + width, top), (x + width / 2, top - 0.25)], WOOD))
    return sketch


def notebook(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A cover with a spiral, a label, an elastic."""
    rings = [ring(-0.66, y, 0.08, 0.03, STEEL) for y in np.linspace(-0.88, 0.88, int(rng.integers(8, 16))).tolist()]
    strap = [box(0.42, -0.95, 0.5, 0.95, tones.dark)] if rng.random() < 0.5 else []
    return [
        box(-0.66, -0.95, 0.7, 0.95, tones.main),
        box(-0.3, -0.5, 0.35, -0.1, WHITE),
        *lines((-0.22, -0.42, 0.28, -0.18), 2, tones.dark, rng),
        *rings,
        *strap,
    ]


def envelope(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A flap, folds, sometimes a stamp."""
    paper = tones.light if rng.random() < 0.6 else tones.main
    flap = rng.uniform(0.0, 0.2)
    sketch = [box(-1, -0.6, 1, 0.65, paper), polygon([(-1, -0.6), (0, flap), (1, -0.6)], shaded(paper, 0.88))]
    folds = [
        stroke([(-1, 0.65), (-0.1, 0.0)], 0.02, shaded(paper, 0.7)),
        stroke([(1, 0.65), (0.1, 0.0)], 0.02, shaded(paper, 0.7)),
    ]
    return [*sketch, *folds, box(0.65, 0.3, 0.9, 0.58, tones.accent)]


def socks(rng: np.random.Generator, tones: Tones) -> Sketch:
    """One or two pairs of L-shaped socks."""
    stripes = [box(-0.22, y, 0.2, y + 0.09, tones.light) for y in (-0.55, -0.3, -0.05)] if rng.random() < 0.5 else []
    leg = polygon(
        [(-0.22, -0.95), (0.2, -0.95), (0.2, 0.35), (0.7, 0.55), (0.72, 0.85), (0.4, 0.95), (-0.22, 0.8)], tones.main
    )
    one = [
        leg,
        *stripes,
        box(-0.24, -0.98, 0.22, -0.82, tones.accent),
        disc(0.52, 0.74, 0.2, tones.second, 0.18),
        disc(-0.02, 0.7, 0.2, tones.second),
    ]
    offset = rng.uniform(0.3, 0.55)
    return [*moved(one, -offset - 0.1, 0, 0.85), *moved(one, offset - 0.1, rng.uniform(-0.1, 0.1), 0.85)]


def beanie(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A knitted hat, often with a bobble."""
    ribs = [box(x, 0.3, x + 0.05, 0.65, shaded(tones.second, 0.8)) for x in np.arange(-0.7, 0.7, 0.15).tolist()]
    bobble = [disc(0, -0.75, rng.uniform(0.15, 0.25), tones.accent)] if rng.random() < 0.7 else []
    return [
        *bobble,
        sector(0, 0.35, 0.75, 0.95, 0.5, 1.0, tones.main),
        pillow(0, 0.47, 0.8, 0.2, 7, tones.second),
        *ribs,
    ]


def bodysuit(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A baby's one-piece with a motif."""
    sleeve = rng.uniform(0.3, 0.7)
    body = [
        (-0.4, -0.85),
        (0.4, -0.85),
        (0.85, -0.75 + sleeve),
        (0.6, -0.6 + sleeve),
        (0.42, -0.4),
        (0.45, 0.4),
        (0.15, 0.9),
        (-0.15, 0.9),
    ]
    mirrored = [(-0.45, 0.4), (-0.42, -0.4), (-0.6, -0.6 + sleeve), (-0.85, -0.75 + sleeve)]
    return [
        polygon([*body, *mirrored], tones.main),
        disc(0, -0.85, 0.22, tones.light, 0.16),
        disc(0, -0.15, 0.2, tones.accent),
        *[disc(x, 0.82, 0.03, WHITE) for x in (-0.08, 0, 0.08)],
    ]


def pram(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A hooded seat on wheels with a handle."""
    wheel = rng.uniform(0.18, 0.28)
    hood = np.linspace(np.pi, 1.5 * np.pi + rng.uniform(0, 0.6), 14)
    outline = [(0.0, -0.1), *((float(0.75 * np.cos(a)), float(-0.1 + 0.8 * np.sin(a))) for a in hood)]
    return [
        stroke([(-0.5, 0.75), (0.75, -0.6)], 0.06, STEEL),
        stroke([(0.5, 0.75), (-0.4, 0.2)], 0.06, STEEL),
        stroke([(0.65, -0.55), (0.95, -0.65)], 0.1, BLACK),
        polygon(outline, tones.main),
        polygon([(-0.75, -0.1), (0.6, -0.1), (0.4, 0.4), (-0.5, 0.4)], tones.second),
        *[disc(x, 0.75, wheel, BLACK) for x in (-0.5, 0.5)],
        *[disc(x, 0.75, wheel * 0.5, STEEL) for x in (-0.5, 0.5)],
    ]


def feeding_bottle(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Teat, collar, graduated body."""
    half = rng.uniform(0.26, 0.38)
    marks = [box(-half + 0.06, y, -half + 0.22, y + 0.03, tones.dark) for y in np.linspace(-0.1, 0.7, 6).tolist()]
    return [
        disc(0, -0.7, 0.12, (230, 200, 150), 0.28),
        box(-half, -0.55, half, -0.3, tones.main),
        pillow(0, 0.32, half, 0.64, 6, shaded(tones.light, 0.97)),
        disc(0.05, 0.35, half * 0.45, tones.accent),
        *marks,
    ]


def dummy(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A shield, a teat, a ring."""
    return [
        disc(0, -0.55, 0.2, (230, 200, 150), 0.38),
        pillow(0, -0.05, 0.75, 0.36, rng.uniform(2, 3.5), tones.main),
        disc(-0.45, -0.05, 0.08, WHITE),
        disc(0.45, -0.05, 0.08, WHITE),
        disc(0, -0.02, 0.22, tones.second),
        curve(0, 0.2, 0.38, rng.uniform(0.4, 0.6), (0.0, 0.5), 0.1, tones.accent),
    ]
