"""Signing requests, and asking again where that cannot do anything twice."""

import threading
from collections.abc import Callable, Generator
from typing import Any

import httpx

from client.errors import ProblemError

_LONGEST_WAIT_S = 10.0


class PasswordToken(httpx.Auth):
    """Signs requests with an access token got for a password, and gets another when the service refuses it.

    One instance serves many threads: of several refused at once, the first gets the new token.
    """

    requires_response_body = False

    def __init__(self, username: str, password: str) -> None:
        self._form = {"username": username, "password": password, "grant_type": "password"}
        self._token: str | None = None
        self._lock = threading.Lock()

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

    429 and 503 mean that nothing was done, so any request may follow them. A connection lost half-way says
    nothing, so only requests marked ``repeatable`` follow that.

    Args:
        http: the client that carries requests, already signing them.
        attempts: how often one request is sent at most.
        sleep: waits that many seconds.
    """

    def __init__(self, http: httpx.Client, attempts: int, sleep: Callable[[float], None]) -> None:
        self._http = http
        self._attempts = attempts
        self._sleep = sleep

    def send(self, method: str, path: str, *, repeatable: bool, **arguments: Any) -> httpx.Response:
        """The answer with a 2xx status.

        Raises:
            ProblemError: any other status.
            httpx.TransportError: the service cannot be reached.
        """
        for attempt in range(1, self._attempts + 1):
            wait_s = min(_LONGEST_WAIT_S, 0.25 * 2**attempt)
            try:
                response = self._http.request(method, path, **arguments)
            except httpx.TransportError as error:
                if attempt == self._attempts or not (repeatable or isinstance(error, httpx.ConnectError)):
                    raise
            else:
                if response.is_success:
                    return response
                problem = ProblemError.from_response(response)
                if attempt == self._attempts or problem.status not in (429, 503):
                    raise problem
                wait_s = min(_LONGEST_WAIT_S, wait_s if problem.retry_after_s is None else problem.retry_after_s)
            self._sleep(wait_s)
        raise ValueError(f"expected at least one attempt. Received: {self._attempts}")
