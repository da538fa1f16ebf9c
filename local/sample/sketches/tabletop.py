"""Figurines, cards, miniatures and board games."""

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


def figurine(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A character with a large head on a base."""
    head = rng.uniform(0.26, 0.48)
    arm = rng.uniform(-0.5, 0.5)
    return [
        disc(0, 0.92, 0.55, tones.dark, 0.14),
        stroke([(-0.16, 0.5), (-0.22, 0.9)], 0.2, tones.dark),
        stroke([(0.16, 0.5), (0.22, 0.9)], 0.2, tones.dark),
        polygon([(-0.32, -0.1), (0.32, -0.1), (0.26, 0.58), (-0.26, 0.58)], tones.main),
        stroke([(-0.28, 0), (-0.62, 0.2 + arm)], 0.15, tones.main),
        stroke([(0.28, 0), (0.62, 0.2 - arm)], 0.15, tones.main),
        disc(0, -0.45, head, SKIN),
        sector(0, -0.5, head * 1.08, head * 1.1, 0.48, 1.02, tones.accent),
        disc(-head * 0.4, -0.4, 0.06, BLACK),
        disc(head * 0.4, -0.4, 0.06, BLACK),
    ]


def boxed_figurine(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A character behind the window of its box."""
    front = [box(-0.78, -1, 0.78, 1, tones.second), box(-0.62, -0.72, 0.62, 0.72, shaded(tones.light, 0.95))]
    return [*front, *moved(figurine(rng, tones), 0, 0, 0.66), *lines((-0.6, -0.95, 0.6, -0.76), 1, tones.light, rng)]


def mug(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A cup with a handle and a print."""
    return [
        ring(0.68, 0, 0.3, 0.13, tones.light),
        box(-0.6, -0.75, 0.6, 0.75, tones.light),
        disc(0, -0.75, 0.6, shaded(tones.light, 0.8), 0.14),
        disc(0, 0.05, rng.uniform(0.25, 0.42), tones.main),
        *lines((-0.4, 0.45, 0.4, 0.6), 1, tones.dark, rng),
    ]


def card(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A bordered card: name, picture, text, number."""
    creature = rng.uniform(-0.2, 0.2)
    return [
        box(-0.7, -1, 0.7, 1, tones.accent),
        box(-0.6, -0.9, 0.6, 0.9, tones.main),
        *lines((-0.52, -0.86, 0.3, -0.74), 1, BLACK, rng),
        box(-0.52, -0.68, 0.52, 0.08, tones.light),
        disc(creature, -0.25, 0.24, tones.second),
        polygon([(creature - 0.2, -0.4), (creature - 0.28, -0.66), (creature, -0.45)], tones.second),
        *lines((-0.52, 0.18, 0.52, 0.75), int(rng.integers(3, 6)), shaded(tones.main, 0.5), rng),
        disc(0.46, -0.8, 0.08, tones.dark),
    ]


def card_fan(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A hand of cards."""
    count = int(rng.integers(3, 6))
    sketch: Sketch = []
    for i in range(count):
        place = i / (count - 1) - 0.5
        sketch += moved(
            card(rng, Tones(*(tones[j] for j in rng.permutation(5)))), place, abs(place) * 0.5, 0.6, -50 * place
        )
    return sketch


def booster(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A crimped foil pack with a beast on it."""
    crimps = [box(-0.6 + 0.1 * i, y, -0.55 + 0.1 * i, y + 0.1, tones.dark) for i in range(12) for y in (-1.0, 0.9)]
    return [
        box(-0.62, -1, 0.62, 1, tones.main),
        polygon([(-0.62, 0.9), (0.62, 0.1), (0.62, 0.9)], tones.second),
        disc(0, 0.1, rng.uniform(0.3, 0.45), tones.accent),
        *lines((-0.5, -0.75, 0.5, -0.4), 2, tones.light, rng),
        *crimps,
    ]


def squad(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Small soldiers in rows, bare or painted alike."""
    coat = shaded(STEEL, rng.uniform(0.6, 1.2)) if rng.random() < 0.6 else tones.main
    sketch: Sketch = []
    columns = int(rng.integers(2, 5))
    for row in range(2):
        for column in range(columns):
            x, y = -0.75 + 1.5 * column / max(1, columns - 1), -0.45 + 0.95 * row + rng.uniform(-0.06, 0.06)
            sketch += moved(_soldier(rng, coat, tones.dark), x, y, 0.42)
    return sketch


def _soldier(rng: np.random.Generator, coat: tuple[int, int, int], base: tuple[int, int, int]) -> Sketch:
    return [
        disc(0, 0.95, 0.6, base, 0.2),
        polygon([(-0.35, 0.9), (-0.25, -0.3), (0.25, -0.3), (0.35, 0.9)], coat),
        disc(0, -0.55, 0.25, shaded(coat, 1.25)),
        stroke([(0.3, 0.4), (0.5 + rng.uniform(-0.2, 0.2), -1.0)], 0.1, shaded(coat, 0.6)),
    ]


def tank(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Tracks, hull, turret and gun."""
    hull = shaded((110, 116, 80), rng.uniform(0.7, 1.3))
    wheels = [disc(x, 0.45, 0.14, shaded(hull, 0.6)) for x in np.linspace(-0.65, 0.65, 6).tolist()]
    track = pillow(0, 0.42, 0.9, 0.26, 4, shaded(hull, 0.35))
    gun = stroke([(0, -0.3), (1.0, -0.35 - rng.uniform(0, 0.2))], 0.09, shaded(hull, 0.7))
    return [
        track,
        *wheels,
        polygon([(-0.85, 0.2), (-0.6, -0.1), (0.7, -0.1), (0.95, 0.2)], hull),
        gun,
        pillow(-0.1, -0.3, 0.38, 0.22, 4, hull),
    ]


def dice(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Two to five dice with their pips."""
    sketch: Sketch = []
    for _ in range(int(rng.integers(2, 6))):
        body = [pillow(0, 0, 1, 1, 8, tones[int(rng.integers(5))])]
        pips = [disc(x, y, 0.17, WHITE) for x in (-0.5, 0, 0.5) for y in (-0.5, 0, 0.5) if rng.random() < 0.5]
        sketch += moved([*body, *pips], rng.uniform(-0.65, 0.65), rng.uniform(-0.65, 0.65), 0.3, rng.uniform(0, 90))
    return sketch


def board(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A chequered board with pawns on it."""
    size = int(rng.integers(5, 9))
    cell = 1.8 / size
    sketch = [box(-1, -1, 1, 1, WOOD), box(-0.9, -0.9, 0.9, 0.9, tones.light)]
    for row in range(size):
        for column in range(row % 2, size, 2):
            x, y = -0.9 + column * cell, -0.9 + row * cell
            sketch.append(box(x, y, x + cell, y + cell, tones.dark))
    pawns = rng.uniform(-0.8, 0.8, (int(rng.integers(3, 9)), 2)).tolist()
    return [*sketch, *(disc(x, y, cell * 0.4, tones[i % 3]) for i, (x, y) in enumerate(pawns))]


def game_box(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A square lid with a large title and a scene, its side showing."""
    return [
        polygon([(-0.9, 0.8), (0.8, 0.8), (0.95, 0.95), (-0.75, 0.95)], shaded(tones.main, 0.5)),
        polygon([(0.8, -0.9), (0.95, -0.75), (0.95, 0.95), (0.8, 0.8)], shaded(tones.main, 0.7)),
        box(-0.9, -0.9, 0.8, 0.8, tones.main),
        disc(rng.uniform(-0.4, 0.3), 0.3, 0.36, tones.second),
        polygon([(-0.9, 0.8), (-0.4, 0.1), (0.1, 0.8)], tones.accent),
        polygon([(-0.1, 0.8), (0.4, rng.uniform(0, 0.4)), (0.8, 0.8)], tones.dark),
        *lines((-0.7, -0.75, 0.6, -0.3), int(rng.integers(1, 3)), tones.light, rng),
    ]


def puzzle(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Interlocking pieces, some missing."""
    sketch: Sketch = []
    for row in range(4):
        for column in range(4):
            if rng.random() < 0.85:
                x, y, colour = -0.95 + column * 0.48, -0.95 + row * 0.48, tones[int(rng.integers(5))]
                sketch += [
                    box(x, y, x + 0.45, y + 0.45, colour),
                    disc(x + 0.47, y + 0.23, 0.08, colour),
                    disc(x + 0.23, y + 0.47, 0.08, colour),
                ]
    return sketch
