"""Every drawing a photo can show, by name: functions of a generator and the product's colours."""

from collections.abc import Callable
from types import ModuleType

import numpy as np

from local.sample.shapes import Sketch, Tones
from local.sample.sketches import games, garden, play, printed, rooms, small, tabletop

Drawing = Callable[[np.random.Generator, Tones], Sketch]


def _public(module: ModuleType) -> dict[str, Drawing]:
    own = {name: thing for name, thing in vars(module).items() if getattr(thing, "__module__", "") == module.__name__}
    return {name: thing for name, thing in own.items() if not name.startswith("_")}


SKETCHES: dict[str, Drawing] = {
    name: drawing
    for module in (games, garden, play, printed, rooms, small, tabletop)
    for name, drawing in _public(module).items()
}
