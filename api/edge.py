"""The outermost layer: request ids, limits on bodies while they arrive, response headers, one log line a request."""

import logging
import re
import time
from collections.abc import Mapping

import anyio
import uuid_utils
from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem_response
from core.logging import bind

_log = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PROBES = frozenset({"/livez", "/readyz", "/startupz"})  # asked every second or so: not worth a line each
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


class Edge:
    """ASGI middleware around the whole application.

    Args:
        app: what it wraps.
        body_limits: most bytes of a body by exact path.
        default_limit: most bytes of a body for every other path.
        body_deadline_s: a body that is not complete by then is given up (408).
    """

    def __init__(
        self, app: ASGIApp, *, body_limits: Mapping[str, int], default_limit: int, body_deadline_s: float
    ) -> None:
        self._app = app
        self._body_limits = body_limits
        self._default_limit = default_limit
        self._body_deadline_s = body_deadline_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; anything but HTTP passes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        exchange = _Exchange(scope, _request_id(headers), send)
        limit = self._body_limits.get(scope["path"], self._default_limit)
        try:
            refusal = _refuse_unread(headers, limit)
            if refusal is not None:
                raise refusal
            body = _LimitedBody(receive, limit, self._body_deadline_s)
            await self._app(scope, body.receive, exchange.send)
        except HTTPException as error:
            await exchange.refuse(error)
        except Exception:
            await exchange.fail()
        finally:
            exchange.log()


def _request_id(headers: Headers) -> str:
    offered = headers.get("x-request-id", "")
    return offered if _REQUEST_ID.fullmatch(offered) else str(uuid_utils.uuid7())


def _refuse_unread(headers: Headers, limit: int) -> HTTPException | None:
    """What the headers alone already rule out, before a byte of the body is read."""
    if headers.get("content-encoding", "identity").lower() != "identity":
        return HTTPException(415, "Bodies are sent without content encoding.", {"Connection": "close"})
    announced = headers.get("content-length", "0")
    if not announced.isdecimal():
        return HTTPException(400, "Content-Length is not a number.", {"Connection": "close"})
    return _too_large(limit) if len(announced) > 18 or int(announced) > limit else None


def _too_large(limit: int) -> HTTPException:
    return HTTPException(413, f"The body may have {limit} bytes.", {"Connection": "close"})


class _LimitedBody:
    """Counts a body's bytes and watches the clock while it arrives."""

    def __init__(self, receive: Receive, limit: int, deadline_s: float) -> None:
        self._receive = receive
        self._limit = limit
        self._deadline = time.monotonic() + deadline_s
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

    def __init__(self, scope: Scope, request_id: str, send: Send) -> None:
        self._scope = scope
        self._send = send
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
        await self._send(message)

    async def refuse(self, error: HTTPException) -> None:
        """Answer what was ruled out before any route saw it."""
        response = problem_response(
            self._request_id, error.status_code, str(error.detail), headers=dict(error.headers or {})
        )
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
            logging.DEBUG if self._scope["path"] in _PROBES else logging.INFO,
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
