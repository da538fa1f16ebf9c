"""Books, magazines and everything else that is printed and bound."""

import itertools

import numpy as np

from local.sample.shapes import BLACK, WHITE, Piece, Sketch, Tones, box, disc, lines, moved, polygon, shaded


def _motif(rng: np.random.Generator, tones: Tones, reach: float) -> Piece:
    """What a cover shows: a disc, a block, a peak or a lozenge."""
    y, kind = rng.uniform(-0.2, 0.4), int(rng.integers(4))
    if kind == 0:
        return disc(0, y, reach, tones.accent, reach * rng.uniform(0.6, 1.2))
    if kind == 1:
        return box(-reach, y - reach * 0.8, reach, y + reach * 0.8, tones.accent)
    if kind == 2:
        return polygon([(-reach, y + reach), (0, y - reach), (reach, y + reach)], tones.accent)
    return polygon([(0, y - reach), (reach, y), (0, y + reach), (-reach, y)], tones.accent)


def book(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A standing cover with its spine, a motif and lines of title."""
    half = rng.uniform(0.55, 0.75)
    title = rng.uniform(-0.85, -0.5)
    return [
        box(-half, -1, half, 1, tones.main),
        box(-half, -1, -half + 0.09, 1, shaded(tones.main, 0.6)),
        _motif(rng, tones, half * rng.uniform(0.3, 0.6)),
        *lines((-half + 0.2, title, half - 0.1, title + 0.35), int(rng.integers(1, 4)), tones.light, rng),
        *lines((-half + 0.3, 0.75, half - 0.2, 0.88), 1, tones.second, rng),
    ]


def open_book(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Two pages of writing, seen from above."""
    tilt = rng.uniform(0.05, 0.2)
    left = polygon([(-1, -0.6 + tilt), (0, -0.6), (0, 0.65), (-1, 0.65 + tilt)], WHITE)
    right = polygon([(0, -0.6), (1, -0.6 + tilt), (1, 0.65 + tilt), (0, 0.65)], shaded(WHITE, 0.94))
    rows = int(rng.integers(5, 10))
    page = lines((-0.85, -0.45, -0.12, 0.55), rows, shaded(tones.dark, 1.6), rng)
    facing = lines((0.12, -0.45, 0.85, 0.55), rows, shaded(tones.dark, 1.6), rng)
    return [box(-1.04, -0.55, 1.04, 0.85, tones.main), left, right, *page, *facing]


def magazine(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A cover with a masthead across its top, a portrait and headlines down its sides."""
    half = rng.uniform(0.68, 0.78)
    head = rng.uniform(0.16, 0.26)
    return [
        box(-half, -1, half, 1, tones.light),
        box(-half, -0.95 + head, half, 1, tones.second),
        box(-half, -1, half, -1 + head, tones.main),
        *lines((-half + 0.06, -0.96, half - 0.06, -1 + head), 1, WHITE, rng),
        disc(rng.uniform(-0.15, 0.15), -0.1, 0.27, tones.accent, 0.36),
        disc(0, 0.95, 0.55, tones.accent, 0.6),
        *lines((-half + 0.05, -0.5, -0.28, 0.6), int(rng.integers(5, 9)), WHITE, rng),
        *lines((0.3, -0.3, half - 0.02, 0.7), int(rng.integers(4, 8)), tones.main, rng),
    ]


def newspaper(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A grey front page: title, picture and columns."""
    paper = shaded(WHITE, rng.uniform(0.8, 0.98))
    columns = [lines((x, 0.05, x + 0.4, 0.9), 9, (90, 90, 90), rng) for x in (-0.7, -0.22, 0.26)]
    return [
        box(-0.8, -1, 0.8, 1, paper),
        *lines((-0.7, -0.92, 0.7, -0.7), 1, BLACK, rng),
        box(-0.7, -0.6, rng.uniform(0.0, 0.6), -0.05, tones.dark),
        *itertools.chain(*columns),
    ]


def book_pile(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Spines lying on one another."""
    count = int(rng.integers(3, 9))
    thick = 1.8 / count
    sketch: Sketch = []
    for i in range(count):
        left, right = -0.9 + rng.uniform(0, 0.2), 0.9 - rng.uniform(0, 0.25)
        top, colour = 0.95 - (i + 1) * thick, tones[int(rng.integers(4))]
        sketch.append(box(left, top, right, top + thick * 0.94, shaded(colour, rng.uniform(0.7, 1.3))))
        sketch += lines((left + 0.2, top + thick * 0.3, right - 0.3, top + thick * 0.7), 1, tones.light, rng)
    return sketch


def book_fan(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Several covers side by side, overlapping."""
    count = int(rng.integers(3, 6))
    sketch: Sketch = []
    for i in range(count):
        shuffled = Tones(*(tones[j] for j in rng.permutation(5)))
        sketch += moved(book(rng, shuffled), -0.6 + 1.2 * i / (count - 1), rng.uniform(-0.1, 0.1), 0.62, 14 * (1 - i))
    return sketch


def comic(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A page of panels with figures and balloons."""
    sketch = [box(-0.75, -1, 0.75, 1, WHITE)]
    for row in range(3):
        split = rng.uniform(-0.3, 0.3)
        for left, right in ((-0.68, split - 0.03), (split + 0.03, 0.68)):
            top = -0.92 + row * 0.62
            sketch.append(box(left, top, right, top + 0.57, tones[int(rng.integers(5))]))
            sketch.append(disc((left + right) / 2, top + 0.36, 0.13, tones.dark, 0.2))
            sketch.append(disc((left + right) / 2 + 0.1, top + 0.12, 0.15, WHITE, 0.08))
    return sketch
