"""Video games, consoles and what plugs into them."""

import numpy as np

from local.sample.shapes import (
    BLACK,
    STEEL,
    WHITE,
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
    shaded,
    stroke,
)


def game_case(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A plastic case: platform band, hero, title, publisher's mark."""
    band = rng.uniform(0.14, 0.24)
    hero = rng.uniform(-0.25, 0.25)
    return [
        box(-0.74, -1, 0.74, 1, shaded(tones.main, 0.75)),
        box(-0.68, -0.94, 0.68, -0.94 + band, tones.main),
        box(-0.68, -0.94 + band, 0.68, 0.94, tones.dark),
        polygon([(-0.68, 0.94), (-0.68, 0.3), (rng.uniform(-0.3, 0.3), -0.2), (0.68, 0.4), (0.68, 0.94)], tones.second),
        disc(hero, -0.1, 0.16, tones.light),
        polygon([(hero - 0.32, 0.75), (hero - 0.2, 0.05), (hero + 0.2, 0.05), (hero + 0.32, 0.75)], tones.accent),
        *lines((-0.55, -0.68, 0.55, -0.4), int(rng.integers(1, 3)), tones.light, rng),
        box(0.42, 0.74, 0.62, 0.88, WHITE),
    ]


def game_pile(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Several cases thrown together."""
    sketch: Sketch = []
    for _ in range(int(rng.integers(3, 6))):
        shuffled = Tones(*(tones[j] for j in rng.permutation(5)))
        x, y = rng.uniform(-0.45, 0.45, 2)
        sketch += moved(game_case(rng, shuffled), x, y, rng.uniform(0.42, 0.6), rng.uniform(-35, 35))
    return sketch


def cartridge(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A grey cartridge with its label and grooves."""
    shell = shaded(STEEL, rng.uniform(0.5, 1.4))
    grooves = [box(-0.8, y, -0.62, y + 0.05, shaded(shell, 0.7)) for y in np.arange(-0.6, 0.6, 0.16).tolist()]
    return [
        pillow(0, 0, 0.85, 0.8, 8, shell),
        box(-0.5, 0.75, 0.5, 0.98, shaded(shell, 0.8)),
        box(-0.5, -0.62, 0.62, 0.5, tones.main),
        disc(rng.uniform(-0.2, 0.3), 0, 0.3, tones.accent),
        *lines((-0.42, -0.56, 0.5, -0.36), 1, tones.light, rng),
        *grooves,
    ]


def optical_disc(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A disc with a printed face."""
    return [
        disc(0, 0, 0.95, shaded(STEEL, 1.3)),
        disc(0, 0, 0.9, tones.main if rng.random() < 0.7 else shaded(STEEL, 1.5)),
        polygon([(0, 0), (rng.uniform(-0.6, -0.2), -0.8), (rng.uniform(0, 0.5), -0.8)], tones.light),
        *lines((-0.5, 0.4, 0.5, 0.6), 1, tones.dark, rng),
        disc(0, 0, 0.28, shaded(STEEL, 1.4)),
        disc(0, 0, 0.12, WHITE),
    ]


def console(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A flat machine with a slot and lights, a pad in front of it."""
    body = BLACK if rng.random() < 0.5 else tones.light
    height = rng.uniform(0.35, 0.6)
    return [
        polygon([(-0.95, -0.1), (-0.75, -height), (0.75, -height), (0.95, -0.1)], shaded(body, 1.3)),
        box(-0.95, -0.1, 0.95, 0.22, body),
        box(-0.6, 0.02, 0.2, 0.07, shaded(body, 2.2) if body == BLACK else STEEL),
        disc(0.7, 0.05, 0.06, tones.accent),
        *moved(gamepad(rng, tones), rng.uniform(-0.4, 0.4), 0.6, 0.45, rng.uniform(-15, 15)),
    ]


def handheld(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A screen between a cross and buttons, wide or tall."""
    screen = shaded(tones.accent, 0.8)
    if rng.random() < 0.5:
        body = [
            pillow(0, 0, 1.0, 0.48, 6, tones.main),
            box(-0.52, -0.34, 0.52, 0.34, BLACK),
            box(-0.46, -0.28, 0.46, 0.28, screen),
        ]
        return [*body, *_cross(-0.76, 0, 0.14, BLACK), *_buttons(0.76, 0, 0.13, tones)]
    body = [
        pillow(0, 0, 0.58, 1.0, 8, tones.main),
        box(-0.45, -0.85, 0.45, -0.05, BLACK),
        box(-0.33, -0.75, 0.33, -0.12, screen),
    ]
    return [*body, *_cross(-0.26, 0.35, 0.17, BLACK), *_buttons(0.28, 0.35, 0.13, tones)]


def gamepad(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Two grips, a cross, buttons, two sticks."""
    body = tones.main if rng.random() < 0.6 else BLACK
    grip = rng.uniform(0.26, 0.36)
    return [
        disc(-0.68, 0.25, grip, shaded(body, 0.9), 0.55),
        disc(0.68, 0.25, grip, shaded(body, 0.9), 0.55),
        pillow(0, -0.05, 0.85, 0.42, 4, body),
        *_cross(-0.55, -0.1, 0.16, tones.light),
        *_buttons(0.55, -0.1, 0.15, tones),
        disc(-0.25, 0.18, 0.15, shaded(body, 0.5)),
        disc(0.25, 0.18, 0.15, shaded(body, 0.5)),
    ]


def headset(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A head band, two cups, a microphone."""
    band = BLACK if rng.random() < 0.6 else tones.main
    cup, tip = rng.uniform(0.32, 0.5), rng.uniform(-0.3, 0.05)
    return [
        curve(0, 0.1, 0.78, 0.9, (0.5, 1.0), 0.14, band),
        pillow(-0.76, 0.25, 0.24, cup, 3, tones.main),
        pillow(0.76, 0.25, 0.24, cup, 3, tones.main),
        pillow(-0.66, 0.25, 0.12, cup * 0.8, 3, shaded(band, 0.7)),
        pillow(0.66, 0.25, 0.12, cup * 0.8, 3, shaded(band, 0.7)),
        stroke([(-0.76, 0.6), (-0.5, 0.88), (tip, 0.9)], 0.06, band),
        disc(tip, 0.9, 0.09, tones.accent),
    ]


def cable(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A coil with a plug at each end."""
    wire = BLACK if rng.random() < 0.6 else tones.main
    loops = [ring(rng.uniform(-0.08, 0.08), rng.uniform(-0.08, 0.08), 0.55 + 0.05 * i, 0.06, wire) for i in range(4)]
    end = rng.uniform(0.6, 0.95)
    return [
        *loops,
        stroke([(0.4, 0.4), (0.8, 0.6), (end, 0.9)], 0.06, wire),
        box(end - 0.12, 0.72, end + 0.12, 0.98, STEEL),
        stroke([(-0.4, -0.4), (-0.75, -0.7)], 0.06, wire),
        box(-1.0, -0.95, -0.65, -0.65, shaded(wire, 1.4)),
    ]


def keyboard(rng: np.random.Generator, tones: Tones) -> Sketch:
    """Rows of keys, and sometimes a mouse."""
    columns = int(rng.integers(8, 12))
    sketch = [pillow(-0.1, 0, 0.9, 0.42, 12, BLACK)]
    for row in range(4):
        for column in range(columns):
            x, y = -0.92 + column * 1.65 / columns, -0.34 + row * 0.17
            colour = tones.main if rng.random() < 0.3 else tones.light
            sketch.append(box(x, y, x + 1.3 / columns, y + 0.13, colour))
    return [*sketch, disc(0.92, 0.1, 0.14, tones.dark, 0.24)]


def monitor(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A screen on its foot with a game's landscape in it."""
    return [
        box(-0.12, 0.55, 0.12, 0.85, STEEL),
        box(-0.4, 0.82, 0.4, 0.92, STEEL),
        box(-1, -0.75, 1, 0.6, BLACK),
        *moved(scene(rng, tones), 0, -0.08, 0.6),
    ]


def scene(rng: np.random.Generator, tones: Tones) -> Sketch:
    """A landscape: sky, sun, hills, a tower; what a download shows instead of a box."""
    hills = [(-1.5, 1.0), *((x, rng.uniform(-0.1, 0.5)) for x in np.linspace(-1.5, 1.5, 7).tolist()), (1.5, 1.0)]
    tower = rng.uniform(-1, 1)
    return [
        box(-1.5, -1, 1.5, 1, tones.main),
        disc(rng.uniform(-1, 1), -0.4, 0.28, tones.light),
        polygon(hills, tones.dark),
        box(tower - 0.15, -0.3, tower + 0.15, 0.9, tones.second),
        polygon([(tower - 0.25, -0.3), (tower, -0.75), (tower + 0.25, -0.3)], tones.accent),
        *lines((-1.2, 0.6, 0.4, 0.85), 1, WHITE, rng),
    ]


def _cross(x: float, y: float, reach: float, fill: tuple[int, int, int]) -> Sketch:
    thick = reach * 0.36
    return [
        box(x - reach, y - thick, x + reach, y + thick, fill),
        box(x - thick, y - reach, x + thick, y + reach, fill),
    ]


def _buttons(x: float, y: float, reach: float, tones: Tones) -> Sketch:
    places = [(x - reach, y), (x + reach, y), (x, y - reach), (x, y + reach)]
    return [disc(px, py, reach * 0.5, tone) for (px, py), tone in zip(places, tones[1:], strict=True)]
