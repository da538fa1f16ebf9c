"""A database server that is there already, in place of the private MariaDB: ``TEST_DATABASE_URL`` names it.

    TEST_DATABASE_URL=mysql+pymysql://root:…@127.0.0.1:3306 make test-integration test-api

The account may create databases and accounts; what the tests make begins with ``etalon``. Tests that kill, hang or
encrypt a server of their own are skipped. This is how continuous integration meets MySQL 8.
"""

import contextlib
import itertools
import os
from collections.abc import Iterator
from typing import NoReturn
from urllib.parse import unquote, urlsplit

import pymysql
import pytest
from pymysql.cursors import Cursor

from tests import mariadb

VARIABLE = "TEST_DATABASE_URL"
_NOT_OURS = f"{VARIABLE} names a server that is not the tests' own to stop or to set up"


class RemoteServer(mariadb.Server):
    """Makes and drops databases on a server that somebody else runs."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        self.port = self._url.port or 3306
        self._count = itertools.count(1)
        self._blueprints: dict[str, list[str]] = {}
        # Tests run on several processes at once, and each keeps its own databases.
        self._process_name = f"etalon_{os.getpid()}"
        self._made: list[str] = []
        self._create_accounts()

    @property
    def pid(self) -> int:
        _skip()

    def start(self) -> None:
        _skip()

    def kill(self) -> None:
        _skip()

    def hang(self) -> None:
        _skip()

    def resume(self) -> None:
        """Nothing to do: it was never stopped."""

    def restart(self) -> None:
        _skip()

    def stop(self) -> None:
        """Remove what this process made."""
        for name in self._made:
            self.drop(name)

    def _create(self, name: str) -> mariadb.Database:
        own = name.replace("etalon", self._process_name, 1)
        self._made.append(own)
        return super()._create(own)

    def _host(self) -> str:
        return self._url.hostname or "127.0.0.1"

    def _client_host(self) -> str:
        return "%"

    def _connect(self) -> "pymysql.Connection[Cursor]":
        password = unquote(self._url.password or "")
        return pymysql.connect(
            host=self._host(), port=self.port, user=self._url.username, password=password, autocommit=True
        )


def _skip() -> NoReturn:
    pytest.skip(_NOT_OURS)


@contextlib.contextmanager
def opened() -> Iterator[RemoteServer | None]:
    """The server that the environment names, or None."""
    url = os.environ.get(VARIABLE)
    server = RemoteServer(url) if url else None
    yield server
    if server is not None:
        server.stop()


def skip_on(server: mariadb.Server) -> None:
    """For tests that start another server beside it, or ask how it was set up."""
    if isinstance(server, RemoteServer):
        _skip()
