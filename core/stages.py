"""How long the stages of one answer take, told to whoever listens: code that is timed knows nothing of who measures."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Clock = Callable[[str, float], None]
"""Hears the name of a stage and the seconds it took."""

_clock: ContextVar[Clock | None] = ContextVar("clock", default=None)


@contextmanager
def stages_told_to(clock: Clock) -> Iterator[None]:
    """Until it ends, ``clock`` hears of every stage of this task and of the threads it waits for."""
    token = _clock.set(clock)
    try:
        yield
    finally:
        _clock.reset(token)


@contextmanager
def timed(stage: str) -> Iterator[None]:
    """Time what is inside, also when it fails. ``stage`` is one of a handful of words, never data."""
    clock = _clock.get()
    if clock is None:
        yield
        return
    began = time.perf_counter()
    try:
        yield
    finally:
        clock(stage, time.perf_counter() - began)
