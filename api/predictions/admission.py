"""Who is answered now, who waits, and who is told to come back: a bounded crowd before a bounded queue.

A prediction's way: the edge asks for a ``Ticket`` when only the headers are there (nobody waits for a body or a
thread only to be turned away); the caller is recognised; the body arrives (``Reception`` bounds how many do at once);
then the ticket waits for one of the few places, and the model runs. Whole requests of any kind are bounded by
``Crowd``. Everything here lives on the event loop.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from api.metrics.instruments import Instruments
from core.errors import Unavailable

_FIRST_GUESS_S = 0.25  # what an answer takes before one was measured
_WEIGHT = 0.1  # of the newest measurement
_SHARE = 0.5  # of the budget; the rest is for answers that take longer than the mean
_PROMISE_S = 0.5  # a body that is sent at once is here by then; a slower one queues when it is complete


class Overloaded(Unavailable):
    """More is asked for than can be answered in time."""

    code = "service.overloaded"

    def __init__(self) -> None:
        super().__init__("The service is answering as much as it can; try again.")


class Admission:
    """A few places, and a queue that is never longer than what they answer within the latency budget.

    Args:
        places: requests that are worked on at once.
        budget_s: longest time a request may expect to wait for its place.
        instruments: what is counted.
        clock: seconds, monotonic.

    Attributes:
        inside: requests that have a place.
        service_s: what an answer takes, place in hand: a running mean, in seconds.
    """

    def __init__(
        self, places: int, budget_s: float, instruments: Instruments, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.places = places
        self.inside = 0
        self.service_s = _FIRST_GUESS_S
        self._budget_s = budget_s
        self._instruments = instruments
        self._clock = clock
        self._promised = 0
        self._queue: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """Requests that wait for a place, and those whose body is about to be complete."""
        return len(self._queue) + self._promised

    @property
    def queue_limit(self) -> int:
        """How many may wait: so many that the last of them gets its place within the budget.

        At least one for each place, which wait for one answer.
        """
        return max(self.places, int(_SHARE * self._budget_s * self.places / self.service_s))

    def promise(self) -> "Ticket":
        """Let a request in whose headers have arrived.

        Raises:
            Overloaded: it would wait longer than the budget.
        """
        self._require_room()
        return Ticket(self)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        asked = self._clock()
        with self._instruments.queued.track_inprogress():
            await self._enter()
        began = self._clock()
        self._instruments.queue_wait.observe(began - asked)
        try:
            with self._instruments.in_flight.track_inprogress():
                yield
            self._learn(self._clock() - began)  # of answers only: refusing a form takes no time at all
        finally:
            self._leave()

    async def _enter(self) -> None:
        if self.inside < self.places:
            self.inside += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn in self._queue:
                self._queue.remove(turn)
            elif not turn.cancelled():  # the place came at the moment the request was given up
                self._leave()
            raise

    def _leave(self) -> None:
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)  # the place goes to the longest waiting
                return
        self.inside -= 1

    def _learn(self, took_s: float) -> None:
        self.service_s += _WEIGHT * (took_s - self.service_s)

    def _require_room(self) -> None:
        if self.inside + self.waiting >= self.places + self.queue_limit:
            raise Overloaded


class Ticket:
    """One request's claim to a place. It counts as waiting from the start, but not for long without its body."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._counts = True
        admission._promised += 1
        self._timer = asyncio.get_running_loop().call_later(_PROMISE_S, self.lapse)

    def lapse(self) -> None:
        """Stop counting: the body is slow, or the request has ended."""
        if self._counts:
            self._counts = False
            self._admission._promised -= 1
            self._timer.cancel()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place, and keep it until the end of the block.

        Raises:
            Overloaded: the body took long, and the queue is full by now.
        """
        if not self._counts:
            self._admission._require_room()
        self.lapse()
        async with self._admission._place():
            yield


class Crowd:
    """How many whole requests of any kind may be under way: beyond them, waiting for a thread would be in vain."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._inside = 0

    def require_room(self) -> None:
        """Look before a body is read.

        Raises:
            Overloaded: there are as many as may be.
        """
        if self._inside >= self._limit:
            raise Overloaded

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Count a request until it is answered.

        Raises:
            Overloaded: there are as many as may be.
        """
        self.require_room()
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1


class Reception:
    """How many bodies may be arriving at once, in all and from one account: each holds memory, and may be slow.

    Args:
        limit: of all together.
        each: of one account.
    """

    def __init__(self, limit: int, each: int) -> None:
        self._limit = limit
        self._each = each
        self._senders: Counter[str] = Counter()

    @contextmanager
    def receiving(self, account_id: str) -> Iterator[None]:
        """Count a body while it arrives.

        Raises:
            Overloaded: there are as many as may be.
        """
        if self._senders.total() >= self._limit or self._senders[account_id] >= self._each:
            raise Overloaded
        self._senders[account_id] += 1
        try:
            yield
        finally:
            self._senders[account_id] -= 1
            if not self._senders[account_id]:
                del self._senders[account_id]
