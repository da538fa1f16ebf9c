"""Slowing down whoever guesses passwords."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from api.errors import TooManyAttempts

FAILURES = 10
WINDOW_S = 60.0
_REMEMBERED = 10_000


class Throttle:
    """Counts failed sign-ins of each (address, username); ten within a minute close that door for the rest of it.

    Kept in memory: each process counts for itself, and a restart forgets. The oldest of 10,000 doors is
    forgotten first, so an attacker cannot fill the memory.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._doors: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()

    def check(self, address: str, username: str) -> None:
        """Let an attempt through.

        Raises:
            TooManyAttempts: the door is closed; says for how long.
        """
        with self._lock:
            failures, until = self._doors.get((address, username), (0, 0.0))
        left_s = until - self._clock()
        if failures >= FAILURES and left_s > 0:
            raise TooManyAttempts("Too many failed sign-ins; wait before the next.", math.ceil(left_s))

    def count(self, address: str, username: str, *, succeeded: bool) -> None:
        """Remember how an attempt ended; a success forgets the failures before it."""
        door = (address, username)
        with self._lock:
            failures, until = self._doors.pop(door, (0, 0.0))
            if succeeded:
                return
            now = self._clock()
            if until <= now:
                failures, until = 0, now + WINDOW_S
            self._doors[door] = (failures + 1, until)
            while len(self._doors) > _REMEMBERED:
                self._doors.popitem(last=False)
