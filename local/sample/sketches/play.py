"""Toys, models and what is played outside."""

import numpy as np

from local.sample.shapes import (
    BLACK,
    SKIN,
    STEEL,
    WHITE,
    WOOD,
    Sketch,
    Tones,
    box,
    curve,
    disc,
    pillow,
    polygon,
    ring,
    sector,
    shaded,
    stroke,
)


def blocks(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A wall of studded bricks."""
    sketch: Sketch = []
    for row in range(int(rng.integers(2, 5))):
        x, y = -0.95 + rng.uniform(0, 0.3), 0.6 - 0.42 * row
        while x < 0.6:
            length, colour = rng.uniform(0.3, 0.65), tones[int(rng.integers(5))]
            sketch += [
                box(px, y - 0.08, px + 0.12, y, shaded(colour, 0.85))
                for px in np.arange(x + 0.05, x + length - 0.1, 0.18).tolist()
            ]
            sketch.append(box(x, y, x + length, y + 0.34, colour))
            x += length + 0.02
    return sketch


def teddy(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A sitting plush: round ears, muzzle, belly."""
    fur = tones.main if rng.random() < 0.5 else shaded(WOOD, rng.uniform(0.8, 1.4))
    limbs = [disc(x, y, 0.24, shaded(fur, 0.9), 0.3) for x in (-0.5, 0.5) for y in (0.2, 0.78)]
    ears = [disc(x, -0.8, rng.uniform(0.16, 0.22), fur) for x in (-0.35, 0.35)]
    face = [
        disc(0, -0.36, 0.18, tones.light, 0.14),
        disc(-0.17, -0.55, 0.05, BLACK),
        disc(0.17, -0.55, 0.05, BLACK),
        disc(0, -0.42, 0.06, BLACK),
    ]
    return [
        *limbs,
        *ears,
        disc(0, 0.42, 0.5, fur, 0.55),
        disc(0, 0.45, 0.3, tones.light, 0.35),
        disc(0, -0.48, 0.44, fur, 0.4),
        *face,
    ]


def doll(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Long hair, a wide dress, thin limbs."""
    hem = rng.uniform(0.4, 0.75)
    return [
        disc(0, -0.55, 0.34, tones.accent, rng.uniform(0.4, 0.7)),
        stroke([(-0.15, 0.5), (-0.18, 1.0)], 0.09, SKIN),
        stroke([(0.15, 0.5), (0.18, 1.0)], 0.09, SKIN),
        stroke([(-0.15, -0.1), (-0.55, 0.3)], 0.08, SKIN),
        stroke([(0.15, -0.1), (0.55, 0.3)], 0.08, SKIN),
        polygon([(-0.16, -0.2), (0.16, -0.2), (hem, 0.65), (-hem, 0.65)], tones.main),
        disc(0, -0.55, 0.22, SKIN, 0.26),
    ]


def toy_robot(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Square head, square chest with dials, jointed arms."""
    return [
        stroke([(0, -0.75), (0, -1.0)], 0.05, STEEL),
        box(-0.32, -0.8, 0.32, -0.35, tones.second),
        box(-0.5, -0.3, 0.5, 0.45, tones.main),
        box(-0.4, 0.45, -0.1, 0.95, STEEL),
        box(0.1, 0.45, 0.4, 0.95, STEEL),
        stroke([(-0.5, -0.2), (-0.85, rng.uniform(-0.4, 0.5))], 0.15, STEEL),
        stroke([(0.5, -0.2), (0.85, rng.uniform(-0.4, 0.5))], 0.15, STEEL),
        disc(-0.13, -0.6, 0.09, tones.accent),
        disc(0.13, -0.6, 0.09, tones.accent),
        box(-0.25, -0.1, 0.25, 0.2, tones.light),
    ]


def toy_car(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A car from its side; the wheels may be huge."""
    wheel, roof = rng.uniform(0.18, 0.34), rng.uniform(-0.45, -0.2)
    wheels = [disc(x, 0.4, wheel, BLACK) for x in (-0.55, 0.55)] + [
        disc(x, 0.4, wheel * 0.5, STEEL) for x in (-0.55, 0.55)
    ]
    cabin = polygon([(-0.45, 0.0), (-0.28, roof), (0.3, roof), (0.55, 0.0)], shaded(tones.light, 0.9))
    body = polygon([(-0.98, 0.4), (-0.95, 0.02), (-0.45, -0.05), (0.55, -0.05), (0.95, 0.1), (0.98, 0.4)], tones.main)
    return [
        cabin,
        body,
        stroke([(0.02, roof), (0.02, 0)], 0.05, tones.main),
        box(-0.95, 0.2, 0.95, 0.26, tones.accent),
        *wheels,
    ]


def drone(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Four arms with rotors around a body."""
    body = BLACK if rng.random() < 0.5 else tones.main
    reach = rng.uniform(0.55, 0.72)
    corners = [(-reach, -reach * 0.7), (reach, -reach * 0.7), (-reach, reach * 0.7), (reach, reach * 0.7)]
    arms = [stroke([(0, 0), corner], 0.1, body) for corner in corners]
    rotors = [ring(x, y, 0.3, 0.05, STEEL, 0.2) for x, y in corners]
    blades = [stroke([(x - 0.28, y - 0.04), (x + 0.28, y + 0.04)], 0.05, tones.accent) for x, y in corners]
    return [*arms, *rotors, *blades, pillow(0, 0, 0.34, 0.22, 3, body), disc(0, 0.12, 0.09, tones.light)]


def plane(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A plane seen from above."""
    sweep = rng.uniform(0.0, 0.5)
    return [
        polygon(
            [
                (0, -0.25),
                (0.95, 0.1 + sweep),
                (0.95, 0.28 + sweep),
                (0, 0.2),
                (-0.95, 0.28 + sweep),
                (-0.95, 0.1 + sweep),
            ],
            tones.second,
        ),
        polygon([(0, 0.65), (0.4, 0.9), (0, 0.85), (-0.4, 0.9)], tones.second),
        disc(0, 0, 0.15, tones.main, 0.95),
        disc(0, -0.4, 0.09, tones.light, 0.2),
    ]


def locomotive(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Boiler, cab, chimney and wheels on a rail."""
    wheels = [disc(x, 0.5, 0.2, BLACK) for x in np.linspace(-0.7, 0.6, int(rng.integers(3, 6))).tolist()]
    return [
        box(-1.1, 0.72, 1.1, 0.78, STEEL),
        box(-0.9, -0.1, 0.4, 0.4, tones.main),
        box(0.3, -0.55, 0.9, 0.42, tones.second),
        box(0.42, -0.4, 0.78, -0.05, tones.light),
        box(-0.75, -0.5, -0.55, -0.1, tones.dark),
        box(-0.95, 0.3, 0.95, 0.45, tones.accent),
        *wheels,
    ]


def gear(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Spare parts: a toothed wheel and a shaft."""
    teeth = int(rng.integers(9, 18))
    angles = np.linspace(0, 2 * np.pi, 4 * teeth, endpoint=False)
    radius = np.where(np.arange(4 * teeth) % 4 < 2, 0.8, 0.64)
    outline = list(zip((radius * np.cos(angles)).tolist(), (radius * np.sin(angles)).tolist(), strict=True))
    metal = STEEL if rng.random() < 0.6 else tones.main
    return [
        stroke([(-1, 0.9), (0.9, -0.9)], 0.12, shaded(metal, 0.7)),
        polygon(outline, metal),
        disc(0, 0, 0.4, shaded(metal, 0.8)),
        disc(0, 0, 0.15, WHITE),
    ]


def ball(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A ball with bands or patches."""
    sketch = [disc(0, 0, 0.92, tones.light)]
    if rng.random() < 0.5:
        turns = [(i / 6, (i + 1) / 6) for i in range(0, 6, 2)]
        return [*sketch, *(sector(0, 0, 0.92, 0.92, a, b, tones.main) for a, b in turns), disc(0, 0, 0.2, tones.accent)]
    spots = [(0.0, 0.0), (0.6, -0.35), (-0.6, -0.35), (0.35, 0.6), (-0.35, 0.6)]
    return [*sketch, *(disc(x, y, 0.2, tones.dark) for x, y in spots), ring(0, 0, 0.9, 0.05, tones.main)]


def scooter(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Two wheels, a deck, a steering column."""
    lean, wheel = rng.uniform(0.05, 0.3), rng.uniform(0.14, 0.26)
    return [
        stroke([(0.6, 0.75), (0.6 - lean, -0.8)], 0.09, tones.main),
        stroke([(0.3 - lean, -0.8), (0.9 - lean, -0.8)], 0.1, BLACK),
        stroke([(-0.75, 0.7), (0.55, 0.7)], 0.13, tones.accent),
        disc(-0.75, 0.78, wheel, BLACK),
        disc(0.65, 0.78, wheel, BLACK),
        disc(-0.75, 0.78, wheel * 0.45, STEEL),
        disc(0.65, 0.78, wheel * 0.45, STEEL),
    ]


def trampoline(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A round mat on legs inside a net."""
    posts = np.linspace(-0.85, 0.85, int(rng.integers(4, 7))).tolist()
    poles = [stroke([(x, 0.95), (x, -0.85)], 0.05, STEEL) for x in posts]
    net = [stroke([(-0.85, y), (0.85, y)], 0.015, tones.dark) for y in np.linspace(-0.8, 0.2, 7).tolist()]
    return [*net, *poles, disc(0, 0.4, 0.95, tones.main, 0.26), disc(0, 0.4, 0.76, BLACK, 0.18)]


def swing(rng: np.random.Generator, tones: Tones) -> Sketch:
    """An A-frame with a hanging seat."""
    seat = rng.uniform(-0.25, 0.25)
    frame = [stroke([(x - 0.25, 0.95), (x, -0.85), (x + 0.25, 0.95)], 0.08, tones.main) for x in (-0.65, 0.65)]
    ropes = [stroke([(x, -0.85), (x + seat, 0.45)], 0.03, BLACK) for x in (-0.25, 0.25)]
    return [
        *frame,
        stroke([(-0.7, -0.85), (0.7, -0.85)], 0.1, tones.main),
        *ropes,
        box(seat - 0.35, 0.42, seat + 0.35, 0.55, tones.accent),
    ]


def kite(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A lozenge in four colours with a tail."""
    x, y = rng.uniform(-0.15, 0.15, 2)
    tail = [(0, 0.35), (0.15, 0.55), (-0.1, 0.75), (0.15, 0.98)]
    top, right, bottom, left = (0, -1), (0.6, y - 0.3), (0, 0.4), (-0.6, y - 0.3)
    middle = (x, y - 0.3)
    quarters = [(top, right), (right, bottom), (bottom, left), (left, top)]
    panels = [polygon([a, b, middle], tone) for (a, b), tone in zip(quarters, tones, strict=False)]
    return [stroke(tail, 0.04, tones.dark), curve(0.02, 0.6, 0.1, 0.06, (0, 1), 0.04, tones.accent), *panels]
