"""How often an account or an API key may ask."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from api.errors import TooManyAttempts

_REMEMBERED = 10_000


class TooManyRequests(TooManyAttempts):
    """The account or the API key asks more often than it may; the header Retry-After says when it may again."""

    code = "account.too_many_requests"


class Rates:
    """A bucket for each account or key: as many requests at once as in a minute, and refilled evenly.

    Kept in memory: each process counts for itself, and a restart fills every bucket. Of 10,000 buckets the one that
    was used longest ago is forgotten first; it is full by then.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = float(per_minute)
        self._per_second = per_minute / 60
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> None:
        """Take one from a bucket.

        Raises:
            TooManyRequests: it is empty; says for how long.
        """
        now = self._clock()
        with self._lock:
            left, since = self._buckets.pop(name, (self._size, now))
            left = min(self._size, left + (now - since) * self._per_second)
            self._buckets[name] = (left - 1 if left >= 1 else left, now)
            if len(self._buckets) > _REMEMBERED:
                self._buckets.popitem(last=False)
        if left < 1:
            wait_s = math.ceil((1 - left) / self._per_second)
            raise TooManyRequests("Too many requests; wait before the next.", wait_s)
