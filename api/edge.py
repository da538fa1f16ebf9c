"""The outermost layer: who is turned away unread, limits on bodies while they arrive, response headers, a log line."""

import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

import anyio
import uuid_utils
from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.drain import Drain
from api.errors import problem_response, status_of
from api.predictions.admission import Admission, Ticket
from core.errors import EtalonError
from core.logging import bind

_log = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
PROBES = frozenset({"/livez", "/readyz", "/startupz"})  # asked every second or so: not worth a line each
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """How long a body may be, in bytes, and how long it may take to arrive, in seconds."""

    size: int
    seconds: float


class Edge:
    """ASGI middleware around the whole application.

    Args:
        app: what it wraps.
        body_limits: of a body by exact path.
        default_limit: of a body for every other path.
        gates: by method and path, who of its requests is let in. The ticket of one that is lies in
            ``request.state.ticket``.
        drain: whether the process is about to end; then every answer closes its connection.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        body_limits: Mapping[str, BodyLimit],
        default_limit: BodyLimit,
        gates: Mapping[tuple[str, str], Admission],
        drain: Drain,
    ) -> None:
        self._app = app
        self._body_limits = body_limits
        self._default_limit = default_limit
        self._gates = gates
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; anything but HTTP passes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        exchange = _Exchange(scope, _request_id(headers), send, self._drain)
        try:
            await self._serve(scope, headers, receive, exchange)
        except HTTPException as error:
            await exchange.refuse(error)
        except EtalonError as error:
            await exchange.refuse(HTTPException(status_of(error), str(error)), code=error.code)
        except Exception:
            await exchange.fail()
        finally:
            exchange.log()

    async def _serve(self, scope: Scope, headers: Headers, receive: Receive, exchange: "_Exchange") -> None:
        limit = self._body_limits.get(scope["path"], self._default_limit)
        _refuse_unread(headers, limit.size)
        ticket = self._let_in(scope)
        try:
            body = _LimitedBody(receive, limit)
            await self._app(scope, body.receive, exchange.send)
        finally:
            if ticket is not None:
                ticket.lapse()

    def _let_in(self, scope: Scope) -> Ticket | None:
        gate = self._gates.get((scope["method"], scope["path"]))
        if gate is None:
            return None
        ticket = scope["state"]["ticket"] = gate.promise()
        return ticket


def _request_id(headers: Headers) -> str:
    offered = headers.get("x-request-id", "")
    return offered if _REQUEST_ID.fullmatch(offered) else str(uuid_utils.uuid7())


def _refuse_unread(headers: Headers, limit: int) -> None:
    """Refuse what the headers alone already rule out, before a byte of the body is read."""
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "Bodies are sent without content encoding.", {"Connection": "close"})
    if "content-length" in headers and "transfer-encoding" in headers:
        # Whoever stands before us may believe the other one, and take the rest of the body for the next request.
        raise HTTPException(400, "A body's length is told once.", {"Connection": "close"})
    announced = headers.get("content-length", "0")
    if not announced.isdecimal():
        raise HTTPException(400, "Content-Length is not a number.", {"Connection": "close"})
    if len(announced) > 18 or int(announced) > limit:
        raise _too_large(limit)


def _too_large(limit: int) -> HTTPException:
    return HTTPException(413, f"The body may have {limit} bytes.", {"Connection": "close"})


class _LimitedBody:
    """Counts a body's bytes and watches the clock while it arrives."""

    def __init__(self, receive: Receive, limit: BodyLimit) -> None:
        self._receive = receive
        self._limit = limit.size
        self._deadline = time.monotonic() + limit.seconds
        self._read = 0
        self._complete = False

    async def receive(self) -> Message:
        """The next message.

        Raises:
            HTTPException: 413 or 408; FastAPI lets these, and only these, out of its body parsing.
        """
        if self._complete:
            return await self._receive()  # waits for the client to leave: as long as it takes
        try:
            with anyio.fail_after(max(0.0, self._deadline - time.monotonic())):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, "The body did not arrive in time.", {"Connection": "close"}) from None
        self._read += len(message.get("body", b""))
        if self._read > self._limit:
            raise _too_large(self._limit)
        self._complete = not message.get("more_body", False)
        return message


class _Exchange:
    """One request and its answer: what is added to the answer, and what is logged about it."""

    def __init__(self, scope: Scope, request_id: str, send: Send, drain: Drain) -> None:
        self._scope = scope
        self._send = send
        self._drain = drain
        self._request_id = request_id
        self._began = time.perf_counter()
        self._status: int | None = None
        scope.setdefault("state", {})["request_id"] = request_id
        bind(request_id=request_id)

    async def send(self, message: Message) -> None:
        """Pass the answer on, with the headers that every answer has."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self._request_id
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            if self._drain.begun:
                headers["Connection"] = "close"
        await self._send(message)

    async def refuse(self, error: HTTPException, code: str | None = None) -> None:
        """Answer what was ruled out before any route saw it."""
        headers = dict(error.headers or {})
        response = problem_response(self._request_id, error.status_code, str(error.detail), code=code, headers=headers)
        await response(self._scope, _no_body, self.send)

    async def fail(self) -> None:
        """A programming mistake: logged whole, answered without a word about it."""
        _log.exception("request.failed", extra={"request_id": self._request_id})
        if self._status is not None:
            raise
        response = problem_response(self._request_id, 500, "The service made a mistake.", code="service.mistake")
        await response(self._scope, _no_body, self.send)

    def log(self) -> None:
        """One line: no query, no body, no user text."""
        route = self._scope.get("route")
        _log.log(
            logging.DEBUG if self._scope["path"] in PROBES else logging.INFO,
            "request.served",
            extra={
                "method": self._scope["method"],
                "route": getattr(route, "path", None),
                "status": self._status,
                "ms": round((time.perf_counter() - self._began) * 1000, 1),
                "request_id": self._request_id,
            },
        )


async def _no_body() -> Message:
    return {"type": "http.disconnect"}
