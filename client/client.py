"""The service as methods."""

import time
from collections.abc import Callable
from typing import Any

import httpx

from client.accounts import Accounts
from client.evidence import Hints
from client.models import Models
from client.products import Products
from client.reports import Reports
from client.review import Review
from client.session import ApiKey, PasswordToken, Session


class EtalonClient(Products, Review, Hints, Models, Reports, Accounts):
    """A caller of one Etalon service. Safe to share between threads; close it, or use it in a ``with``.

    It signs in with a name and a password, or with a key; with neither, only what is open to anyone answers.

    Args:
        base_url: for example ``http://127.0.0.1:8000``.
        username: the account's name.
        password: the account's password; tokens are fetched and renewed with it.
        api_key: a key of the account, instead of both.
        timeout_s: longest wait for one answer.
        attempts: how often one request is sent at most; see ``Session``.
        longest_wait_s: a service that asks for more patience than that is not asked again.
        transport: replaces the network, for tests.
        sleep: replaces waiting, for tests.

    Every method raises ``ProblemError`` when the service refuses and ``httpx.TransportError`` when it is not there.
    """

    def __init__(
        self,
        base_url: str,
        username: str | None = None,
        password: str | None = None,
        *,
        api_key: str | None = None,
        timeout_s: float = 30.0,
        attempts: int = 5,
        longest_wait_s: float = 60.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._auth = _credentials(username, password, api_key)
        self._http = httpx.Client(base_url=base_url, auth=self._auth, timeout=timeout_s, transport=transport)
        self._session = Session(self._http, attempts, longest_wait_s, sleep)

    def __enter__(self) -> "EtalonClient":
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def readiness(self) -> Any:
        """What the service says of its parts; a ``ProblemError`` where one of them is not well. Open to anybody."""
        return self._ask("GET", "/readyz")

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def _credentials(username: str | None, password: str | None, api_key: str | None) -> httpx.Auth | None:
    if (username is None) != (password is None) or (username is not None and api_key is not None):
        raise ValueError("expected a name with its password, or a key, or neither")
    if username is not None and password is not None:
        return PasswordToken(username, password)
    return ApiKey(api_key) if api_key is not None else None
