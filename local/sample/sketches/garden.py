"""Garden furniture, pools and tools."""

import itertools

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
    lines,
    pillow,
    polygon,
    ring,
    sector,
    shaded,
    stroke,
)

WATER: Colour = (84, 176, 214)


def parasol(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A canopy in panels on a pole with a foot."""
    low = rng.uniform(-0.3, -0.05)
    edges = np.linspace(-1, 1, 7).tolist()
    panels = [
        polygon([(0, -0.9), (a, low), (b, low)], tones.main if i % 2 else tones.light)
        for i, (a, b) in enumerate(itertools.pairwise(edges))
    ]
    return [
        stroke([(0, -0.9), (rng.uniform(-0.1, 0.1), 0.9)], 0.06, WOOD),
        pillow(0, 0.92, 0.35, 0.09, 4, STEEL),
        *panels,
    ]


def garden_table(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A slatted table between two chairs."""
    timber = shaded(WOOD, rng.uniform(0.6, 1.3)) if rng.random() < 0.5 else tones.dark
    half = rng.uniform(0.4, 0.6)
    slats = [box(-half, y, half, y + 0.06, timber) for y in (-0.05, 0.04, 0.13)]
    legs = [stroke([(x, 0.15), (-x * 0.8, 0.9)], 0.06, shaded(timber, 0.7)) for x in (-half * 0.8, half * 0.8)]
    chairs = [
        [
            stroke([(s * 0.95, -0.55), (s * 0.8, 0.3), (s * 0.45, 0.32)], 0.09, tones.main),
            stroke([(s * 0.8, 0.3), (s * 0.9, 0.92)], 0.06, STEEL),
            stroke([(s * 0.5, 0.32), (s * 0.48, 0.92)], 0.06, STEEL),
        ]
        for s in (-1, 1)
    ]
    return [*itertools.chain(*chairs), *legs, *slats]


def lounger(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A long seat with its back raised."""
    back = rng.uniform(-0.75, -0.2)
    frame = [stroke([(x, 0.2), (x, 0.7)], 0.07, STEEL) for x in (-0.35, 0.2, 0.85)]
    cloth = [stroke([(-0.95, back), (-0.35, 0.18), (0.98, 0.18)], 0.2, tones.main)]
    stripes = [disc(x, 0.18, 0.04, tones.light) for x in np.linspace(-0.2, 0.9, 6).tolist()]
    return [*frame, *cloth, *stripes, pillow(-0.85, back + 0.05, 0.16, 0.12, 4, tones.accent)]


def hammock(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A sling between two posts, striped."""
    sag = rng.uniform(0.35, 0.7)
    posts = [stroke([(x, -0.8), (x * 0.8, 0.95)], 0.08, WOOD) for x in (-0.98, 0.98)]
    slings = [
        curve(0, -0.5 - 0.06 * i, 0.92, sag, (0.0, 0.5), 0.1, tones.main if i % 2 else tones.light) for i in range(4)
    ]
    return [*posts, *slings, stroke([(-0.8, 0.95), (0.8, 0.95)], 0.08, WOOD)]


def pool_round(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A round or oval pool with its wall and posts."""
    tall, flat = rng.uniform(0.3, 0.6), rng.uniform(0.25, 0.45)
    wall = tones.main if rng.random() < 0.6 else STEEL
    posts = [
        box(x - 0.03, -0.1, x + 0.03, tall, shaded(wall, 0.7))
        for x in np.linspace(-0.85, 0.85, int(rng.integers(5, 9))).tolist()
    ]
    return [
        disc(0, tall - 0.05, 1.0, wall, flat),
        box(-1.0, -0.1, 1.0, tall - 0.05, wall),
        *posts,
        disc(0, -0.1, 1.0, shaded(wall, 1.3), flat),
        disc(0, -0.1, 0.92, shaded(WATER, rng.uniform(0.85, 1.15)), flat * 0.88),
        disc(rng.uniform(-0.4, 0.4), -0.15, 0.3, shaded(WATER, 1.3), 0.05),
    ]


def pool_square(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A rectangular pool in perspective, with a coping and sometimes a ladder."""
    tall = rng.uniform(0.1, 0.4)
    wall = shaded(WOOD, rng.uniform(0.7, 1.2)) if rng.random() < 0.4 else tones.main
    sketch = [
        polygon([(-1, 0.35), (1, 0.35), (1, 0.35 + tall), (-1, 0.35 + tall)], wall),
        polygon([(-1, 0.35), (-0.6, -0.45), (0.6, -0.45), (1, 0.35)], tones.light),
        polygon([(-0.85, 0.27), (-0.52, -0.38), (0.52, -0.38), (0.85, 0.27)], shaded(WATER, rng.uniform(0.85, 1.15))),
    ]
    rails = [curve(0.3 + dx, -0.35, 0.08, 0.3, (0.5, 1.0), 0.04, STEEL) for dx in (0.0, 0.2)]
    return [*sketch, *(rails if rng.random() < 0.5 else [])]


def pump(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A motor, a pot with a lid, pipes; or a heat pump's grille."""
    if rng.random() < 0.35:
        body = [pillow(0, 0, 0.95, 0.7, 10, tones.light), disc(-0.25, 0, 0.52, BLACK)]
        return [
            *body,
            *[ring(-0.25, 0, r, 0.03, STEEL) for r in (0.15, 0.28, 0.4, 0.5)],
            *lines((0.4, -0.4, 0.85, 0.0), 3, tones.dark, rng),
        ]
    return [
        box(-0.7, 0.55, 0.7, 0.68, BLACK),
        pillow(0.35, 0.15, 0.55, 0.36, 6, tones.dark),
        *[box(x, -0.18, x + 0.04, 0.48, shaded(tones.dark, 1.6)) for x in np.arange(0.1, 0.8, 0.13).tolist()],
        disc(-0.42, 0.12, 0.42, tones.main),
        disc(-0.42, -0.15, 0.3, shaded(WATER, 0.9), 0.14),
        stroke([(-0.42, -0.2), (-0.42, -0.85)], 0.18, STEEL),
        stroke([(-0.8, 0.15), (-1.05, 0.15)], 0.18, STEEL),
    ]


def ladder(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Two bent rails and steps."""
    steps = [box(-0.4, y, 0.4, y + 0.1, tones.light) for y in np.linspace(-0.4, 0.75, int(rng.integers(3, 6))).tolist()]
    rails = [stroke([(x, 0.98), (x, -0.7), (x * 1.4, -0.95), (x * 2.0, -0.7)], 0.08, STEEL) for x in (-0.42, 0.42)]
    return [*steps, *rails]


def cartridge_filter(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Pleated cylinders with coloured ends."""
    sketch: Sketch = []
    count = int(rng.integers(1, 4))
    for i in range(count):
        x = (i - (count - 1) / 2) * 0.66
        sketch.append(box(x - 0.28, -0.7, x + 0.28, 0.7, WHITE))
        sketch += [
            box(x + dx, -0.7, x + dx + 0.025, 0.7, shaded(STEEL, 1.2)) for dx in np.arange(-0.26, 0.26, 0.075).tolist()
        ]
        sketch += [disc(x, y, 0.3, tones.main, 0.1) for y in (-0.72, 0.72)]
    return sketch


def tarp(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A cover with bubbles or eyelets, one corner folded back."""
    cloth = shaded(WATER, rng.uniform(0.5, 1.1)) if rng.random() < 0.7 else tones.main
    fold = rng.uniform(0.2, 0.6)
    grid = np.linspace(-0.8, 0.8, int(rng.integers(6, 11))).tolist()
    bubbles = [disc(x, y * 0.75, 0.05, shaded(cloth, 1.2)) for x in grid for y in grid]
    corner = polygon([(0.95, 0.75 - fold), (0.95, 0.75), (0.95 - fold, 0.75)], WHITE)
    return [
        box(-0.95, -0.75, 0.95, 0.75, cloth),
        *bubbles,
        corner,
        polygon([(0.95, 0.75 - fold), (0.95 - fold, 0.75), (0.95 - fold, 0.75 - fold)], shaded(cloth, 0.7)),
    ]


def mower(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A deck on wheels, an engine, a long handle."""
    wheel = rng.uniform(0.18, 0.28)
    return [
        stroke([(-0.1, 0.2), (-0.95, -0.85)], 0.07, BLACK),
        stroke([(-0.8, -0.85), (-1.0, -0.8)], 0.1, BLACK),
        polygon([(-0.5, 0.6), (-0.35, 0.15), (0.7, 0.15), (0.95, 0.6)], tones.main),
        pillow(0.25, 0.0, 0.35, 0.2, 5, tones.dark),
        *[disc(x, 0.68, wheel, BLACK) for x in (-0.4, 0.75)],
        *[disc(x, 0.68, wheel * 0.5, tones.accent) for x in (-0.4, 0.75)],
    ]


def spade(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A blade or a rake on a long handle."""
    handle = [stroke([(0, -0.95), (0, 0.4)], 0.08, WOOD), stroke([(-0.18, -0.95), (0.18, -0.95)], 0.09, tones.main)]
    if rng.random() < 0.5:
        return [
            *handle,
            polygon([(-0.28, 0.3), (0.28, 0.3), (0.26, 0.75), (0, 0.99), (-0.26, 0.75)], shaded(STEEL, 0.9)),
        ]
    teeth = [stroke([(x, 0.45), (x, 0.8)], 0.05, tones.dark) for x in np.linspace(-0.5, 0.5, 8).tolist()]
    return [*handle, box(-0.52, 0.38, 0.52, 0.48, tones.dark), *teeth]


def drill(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A barrel with a chuck, a grip, a battery."""
    lean = rng.uniform(-0.1, 0.15)
    return [
        polygon([(-0.35, 0.0), (0.0, 0.0), (-0.1 - lean, 0.75), (-0.45 - lean, 0.75)], shaded(tones.main, 0.8)),
        box(-0.65 - lean, 0.68, 0.05 - lean, 0.92, BLACK),
        pillow(-0.15, -0.2, 0.6, 0.26, 6, tones.main),
        polygon([(0.42, -0.38), (0.7, -0.28), (0.7, -0.12), (0.42, -0.02)], BLACK),
        stroke([(0.7, -0.2), (1.05, -0.2)], 0.06, STEEL),
        box(-0.02, 0.05, 0.06, 0.25, tones.accent),
    ]


def hose(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A coil with a nozzle."""
    coils = [
        ring(-0.1, 0.05, 0.42 + 0.1 * i, 0.08, shaded(tones.main, 0.85 + 0.08 * (i % 2)), 0.36 + 0.09 * i)
        for i in range(int(rng.integers(3, 6)))
    ]
    end = rng.uniform(-0.6, 0.2)
    return [
        *coils,
        stroke([(0.4, 0.3), (0.75, 0.0), (0.85, end)], 0.09, tones.main),
        polygon([(0.75, end), (0.95, end), (0.9, end - 0.3), (0.8, end - 0.3)], tones.accent),
    ]


def shears(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Two crossing blades and handles."""
    spread = rng.uniform(0.2, 0.45)
    blades = [polygon([(0, 0), (s * spread, -0.95), (s * (spread - 0.16), -0.9)], shaded(STEEL, 1.1)) for s in (-1, 1)]
    handles = [stroke([(0, 0), (s * spread * 0.9, 0.5), (s * spread, 0.95)], 0.13, tones.main) for s in (-1, 1)]
    return [*handles, *blades, disc(0, 0, 0.1, BLACK), sector(0, 0.4, 0.1, 0.1, 0, 0.5, tones.accent)]
