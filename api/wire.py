"""HTTP/1.1 on one connection: limits that the server's own protocol lacks, and problems instead of its plain text."""

import asyncio
import logging
import resource
from typing import Any

import h11
import uuid_utils
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.errors import problem_response
from api.predictions.admission import Overloaded

_log = logging.getLogger(__name__)

HEAD_S = 10.0
"""Longest time for a request's head, from the connection or the head's first byte on, however it trickles."""

_MOST_CONNECTIONS = 1024


def most_connections() -> int:
    """As many as leave half of the process's files to the database, photos and packages."""
    return min(_MOST_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)


class Wire(H11Protocol):
    """uvicorn's protocol. It knows when an idle connection ends; here a slow one ends too, and one too many."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limit = most_connections()
        self._slow: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, or turn the client away when there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self._limit:
            overloaded = Overloaded()
            self._refuse(503, str(overloaded), overloaded.code)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        super().connection_lost(exc)
        self._watch_no_more()

    def data_received(self, data: bytes) -> None:
        """Read on."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Wait for the next request; of an answer that came early, the rest of the body comes first."""
        super().on_response_complete()
        self._watch()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP; ``msg`` is the same for all of it."""
        self._refuse(400, "This is not HTTP/1.1 as we read it.", None)

    def _watch(self) -> None:
        """Let a clock run exactly while something of a request's head, or of an answered body, is outstanding."""
        if self.transport.is_closing() or self._answering or self._idle:
            self._watch_no_more()
        elif self._slow is None:
            self._slow = self.loop.call_later(HEAD_S, self.timeout_keep_alive_handler)

    def _watch_no_more(self) -> None:
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _idle(self) -> bool:
        """Whether a request was answered, and nothing of the next has come; the server's own clock runs then."""
        return self.cycle is not None and self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]

    def _refuse(self, status: int, detail: str, code: str | None) -> None:
        request_id = str(uuid_utils.uuid7())
        _log.info("connection.refused", extra={"status": status, "request_id": request_id})
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            answer = problem_response(request_id, status, detail, code=code, headers={"Connection": "close"})
            head = h11.Response(status_code=status, headers=answer.raw_headers, reason=b"")
            for event in (head, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
