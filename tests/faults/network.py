"""A network between client and service that loses, doubles, delays and reorders whole requests."""

import random
import threading
from collections import Counter
from collections.abc import Callable

import httpx

FATES = {
    "as sent": 10,
    "request lost": 1,
    "answer lost": 3,
    "twice": 3,
    "twice at once": 3,
    "late": 3,
    "echo": 3,
}
"""What happens to a request, by how often.

``late`` is delivered after its sender gave up, and so after what was sent later; ``echo`` is delivered and answered,
and arrives once more later.
"""
_LATEST_S = 0.6
_TIMEOUT_S = 30.0


class Postbag:
    """The late requests of everybody, and how often each fate came."""

    def __init__(self) -> None:
        self.fates: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._late: list[threading.Thread] = []

    def count(self, fate: str) -> None:
        """One more of it."""
        with self._lock:
            self.fates[fate] += 1

    def deliver_later(self, delay_s: float, send: Callable[[], object]) -> None:
        """Send in the background."""
        thread = threading.Timer(delay_s, send)
        with self._lock:
            self._late.append(thread)
        thread.start()

    def wait_until_empty(self) -> None:
        """Until everything late has arrived."""
        while self._late:
            self._late.pop().join()


class BadNetwork(httpx.BaseTransport):
    """Carries one client's requests.

    Args:
        postbag: shared by all clients.
        rng: draws the fates.
    """

    def __init__(self, postbag: Postbag, rng: random.Random) -> None:
        self._postbag = postbag
        self._rng = random.Random(rng.random())
        self._wire = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Carry a request to its fate; questions (GET) arrive as they are."""
        request.read()
        fate = "as sent" if request.method == "GET" else self._draw()
        if fate == "request lost":
            raise httpx.ConnectError("the request was lost", request=request)
        if fate == "late":
            self._postbag.deliver_later(self._rng.uniform(0.0, _LATEST_S), lambda: _carry_alone(request))
            raise httpx.ReadTimeout("the request is late", request=request)
        if fate == "echo":
            self._postbag.deliver_later(self._rng.uniform(0.0, 4 * _LATEST_S), lambda: _carry_alone(request))
        if fate == "twice at once":
            return self._carry_twice_at_once(request)
        answer = self._carry(request)
        if fate == "answer lost":
            raise httpx.ReadError("the answer was lost", request=request)
        return self._carry(request) if fate == "twice" else answer

    def close(self) -> None:
        """Hang up."""
        self._wire.close()

    def _draw(self) -> str:
        fate = self._rng.choices(list(FATES), weights=list(FATES.values()))[0]
        self._postbag.count(fate)
        return fate

    def _carry(self, request: httpx.Request) -> httpx.Response:
        answer = self._wire.handle_request(_copy(request))
        answer.read()
        return answer

    def _carry_twice_at_once(self, request: httpx.Request) -> httpx.Response:
        twin = threading.Thread(target=_carry_alone, args=(request,))
        twin.start()
        try:
            return self._carry(request)
        finally:
            twin.join()


def _copy(request: httpx.Request) -> httpx.Request:
    return httpx.Request(request.method, request.url, headers=request.headers, content=request.content)


def _carry_alone(request: httpx.Request) -> None:
    """Over a connection of its own; nobody waits for the answer."""
    with httpx.HTTPTransport() as wire:
        wire.handle_request(_copy(request)).read()
