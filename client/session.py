"""Signing requests, and asking again where that cannot do anything twice."""

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from client.errors import ProblemError

_LONGEST_PAUSE_S = 10.0


class ApiKey(httpx.Auth):
    """Signs requests with a shop's key, which needs no signing in."""

    def __init__(self, key: str) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request with the key."""
        request.headers["authorization"] = f"Bearer {self._key}"
        yield request


class PasswordToken(httpx.Auth):
    """Signs requests with an access token got for a password, and gets another when the service refuses it.

    One instance serves many threads: of several refused at once, the first gets the new token.
    """

    requires_response_body = False

    def __init__(self, username: str, password: str) -> None:
        self._form = {"username": username, "password": password, "grant_type": "password"}
        self._token: str | None = None
        self._lock = threading.Lock()

    def replace(self, **known: str) -> None:
        """Sign in with another ``username`` or ``password`` from now on; the token is got anew."""
        with self._lock:
            self._form |= known
            self._token = None

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request, with a new token a second time if the first was refused."""
        used = self._token
        if used is None:
            used = yield from self._renew(request.url, None)
        request.headers["authorization"] = f"Bearer {used}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:
            renewed = yield from self._renew(request.url, used)
            request.headers["authorization"] = f"Bearer {renewed}"
            yield request

    def _renew(self, url: httpx.URL, refused: str | None) -> Generator[httpx.Request, httpx.Response, str]:
        """A token other than ``refused``. The lock is held over the round trip so that one thread asks."""
        with self._lock:
            if self._token is None or self._token == refused:
                response = yield httpx.Request("POST", url.join("/token"), data=self._form)
                response.read()
                if response.is_error:
                    raise ProblemError.from_response(response)
                self._token = response.json()["access_token"]
            return self._token


class Session:
    """Sends requests: a refusal that asks for patience, or a lost connection, is tried again.

    429 and 503 mean that nothing was done, so any request may follow them, and none before the service's
    ``Retry-After`` is over. A connection lost half-way says nothing, so only requests marked ``repeatable``
    follow that.

    Args:
        http: the client that carries requests, already signing them.
        attempts: how often one request is sent at most.
        longest_wait_s: a service that asks for more patience than that is not asked again.
        sleep: waits that many seconds.
    """

    def __init__(
        self, http: httpx.Client, attempts: int, longest_wait_s: float, sleep: Callable[[float], None]
    ) -> None:
        self._http = http
        self._attempts = attempts
        self._longest_wait_s = longest_wait_s
        self._sleep = sleep

    def send(self, method: str, path: str, *, repeatable: bool, **arguments: Any) -> httpx.Response:
        """The answer with a 2xx status.

        Raises:
            ProblemError: any other status.
            httpx.TransportError: the service cannot be reached.
        """
        for attempt in range(1, self._attempts + 1):
            pause_s = min(_LONGEST_PAUSE_S, 0.25 * 2**attempt)
            try:
                response = self._http.request(method, path, **arguments)
            except httpx.TransportError as error:
                if attempt == self._attempts or not (repeatable or isinstance(error, httpx.ConnectError)):
                    raise
            else:
                if response.is_success:
                    return response
                problem = ProblemError.from_response(response)
                if attempt == self._attempts or not self._is_patient_enough(problem):
                    raise problem
                pause_s = pause_s if problem.retry_after_s is None else problem.retry_after_s
            self._sleep(pause_s)
        raise ValueError(f"expected at least one attempt. Received: {self._attempts}")

    def _is_patient_enough(self, problem: ProblemError) -> bool:
        return problem.status in (429, 503) and (problem.retry_after_s or 0) <= self._longest_wait_s

    @contextmanager
    def stream(self, path: str, **arguments: Any) -> Iterator[Iterator[bytes]]:
        """The chunks of a long answer, as they arrive; asked for once.

        Raises:
            ProblemError: the status is not 2xx.
            httpx.TransportError: the service cannot be reached, or the connection is lost half-way.
        """
        with self._http.stream("GET", path, **arguments) as response:
            if not response.is_success:
                response.read()
                raise ProblemError.from_response(response)
            yield response.iter_bytes()
