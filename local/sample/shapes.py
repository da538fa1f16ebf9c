"""What sketches are made of: filled polygons and strokes in a square that runs from -1 to 1, y downwards."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

Colour = tuple[int, int, int]
Point = tuple[float, float]
WHITE: Colour = (248, 248, 246)
BLACK: Colour = (28, 28, 32)
STEEL: Colour = (150, 154, 160)
WOOD: Colour = (164, 118, 72)
SKIN: Colour = (226, 184, 152)


class Piece(NamedTuple):
    """One filled polygon, or a stroke of ``width`` > 0 along the points; ``points`` is float64 (n, 2)."""

    points: np.ndarray
    fill: Colour
    width: float = 0.0


class Tones(NamedTuple):
    """The colours of one product."""

    main: Colour
    second: Colour
    accent: Colour
    dark: Colour
    light: Colour


Sketch = list[Piece]


def polygon(points: Sequence[Point], fill: Colour) -> Piece:
    """A filled polygon."""
    return Piece(np.array(points, dtype=float), fill)


def box(left: float, top: float, right: float, bottom: float, fill: Colour) -> Piece:
    """A filled rectangle."""
    return polygon([(left, top), (right, top), (right, bottom), (left, bottom)], fill)


def disc(x: float, y: float, rx: float, fill: Colour, ry: float | None = None) -> Piece:
    """A filled circle, or an ellipse where ``ry`` differs from ``rx``."""
    return Piece(_arc(x, y, rx, rx if ry is None else ry, 0.0, 2 * math.pi), fill)


def sector(x: float, y: float, rx: float, ry: float, start: float, stop: float, fill: Colour) -> Piece:
    """A filled slice of an ellipse between two angles in turns (0 is right, 0.25 down)."""
    arc = _arc(x, y, rx, ry, 2 * math.pi * start, 2 * math.pi * stop)
    return Piece(np.vstack([arc, [(x, y)]]), fill)


def stroke(points: Sequence[Point], width: float, fill: Colour) -> Piece:
    """A line of ``width`` along the points."""
    return Piece(np.array(points, dtype=float), fill, width)


def ring(x: float, y: float, rx: float, width: float, fill: Colour, ry: float | None = None) -> Piece:
    """The outline of a circle or an ellipse."""
    return Piece(_arc(x, y, rx, rx if ry is None else ry, 0.0, 2 * math.pi), fill, width)


def curve(x: float, y: float, rx: float, ry: float, turns: tuple[float, float], width: float, fill: Colour) -> Piece:
    """A stroke along an elliptical arc between two angles in turns."""
    return Piece(_arc(x, y, rx, ry, 2 * math.pi * turns[0], 2 * math.pi * turns[1]), fill, width)


def pillow(x: float, y: float, rx: float, ry: float, power: float, fill: Colour) -> Piece:
    """A superellipse: power 2 is an ellipse, above it a rounded rectangle, below it a cushion with pointed corners."""
    angles = np.linspace(0.0, 2 * math.pi, 40)
    cos, sin = np.cos(angles), np.sin(angles)
    curve_x = np.sign(cos) * np.abs(cos) ** (2 / power)
    curve_y = np.sign(sin) * np.abs(sin) ** (2 / power)
    return Piece(np.column_stack([x + rx * curve_x, y + ry * curve_y]), fill)


def moved(sketch: Sketch, dx: float, dy: float, scale: float = 1.0, turn: float = 0.0) -> Sketch:
    """The sketch scaled, turned by ``turn`` degrees and shifted."""
    cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    matrix = scale * np.array([[cos, sin], [-sin, cos]])
    return [Piece(piece.points @ matrix + (dx, dy), piece.fill, piece.width * scale) for piece in sketch]


def lines(box_: tuple[float, float, float, float], count: int, fill: Colour, rng: np.random.Generator) -> Sketch:
    """``count`` lines of writing inside ``(left, top, right, bottom)``, as bars of uneven length."""
    left, top, right, bottom = box_
    step = (bottom - top) / count
    ends = left + (right - left) * rng.uniform(0.55, 1.0, count)
    return [box(left, top + i * step, end, top + (i + 0.55) * step, fill) for i, end in enumerate(ends.tolist())]


def shaded(colour: Colour, factor: float) -> Colour:
    """The colour darkened (factor below 1) or lightened (above 1), kept within 0..255."""
    red, green, blue = (max(0, min(255, round(channel * factor))) for channel in colour)
    return red, green, blue


def _arc(x: float, y: float, rx: float, ry: float, start: float, stop: float) -> np.ndarray:
    angles = np.linspace(start, stop, 28)
    return np.column_stack([x + rx * np.cos(angles), y + ry * np.sin(angles)])
