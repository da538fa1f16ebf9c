"""Looks that take long, taken beside the requests."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

_Found = TypeVar("_Found")

STUCK = "no answer"
_STUCK_S = 30.0


def in_background(look: Callable[[], _Found]) -> Future[_Found]:
    """Take a look in a thread of its own, which keeps no process alive."""
    found: Future[_Found] = Future()

    def run() -> None:
        try:
            found.set_result(look())
        except BaseException as error:  # whoever asks for the result gets it
            found.set_exception(error)

    Thread(target=run, name="health", daemon=True).start()
    return found


class Watch:
    """Keeps what a look has found. The first is waited for; later ones are taken in the background.

    One thread may ask at a time.

    Args:
        look: finds a word for the state of something.
        every_s: seconds between two looks.
    """

    def __init__(self, look: Callable[[], str], every_s: float) -> None:
        self._look = look
        self._every_s = every_s
        self._last: str | None = None
        self._began = 0.0
        self._under_way: Future[str] | None = None

    def outcome(self) -> str:
        """What the last look found; ``STUCK`` when the one under way takes half a minute."""
        if self._last is None:
            self._began = time.monotonic()
            self._last = self._look()
        age_s = time.monotonic() - self._began
        if self._under_way is not None and self._under_way.done():
            self._last, self._under_way = self._under_way.result(), None
        if self._under_way is not None:
            return STUCK if age_s > _STUCK_S else self._last
        if age_s > self._every_s:
            self._began = time.monotonic()
            self._under_way = in_background(self._look)
        return self._last
