"""A service that ends as its server does by itself: the listener closes at once, and so does whoever has no answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import uvicorn

from api.drain import Drain
from api.server import Server


@contextmanager
def applied() -> Iterator[None]:
    """In this process, until the end of the block."""
    with (
        mock.patch.object(Server, "shutdown", uvicorn.Server.shutdown),
        mock.patch.object(Drain, "begin"),
    ):
        yield
