"""Around everything else: each request is timed and counted, and its log lines know what they belong to."""

import json
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.metrics.instruments import Instruments
from api.serving.engine import ServingEngine
from core.logging import request_fields
from core.stages import stages_told_to

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PROBLEM = b"application/problem+json"
_NO_ROUTE, _NO_ANSWER = "none", "none"


class Observed:
    """ASGI middleware; the outermost, so that nothing answers unseen.

    Args:
        app: what it wraps.
        instruments: what is counted.
        serving: what answers; its release's default model is named in the log until the request chooses another.
    """

    def __init__(self, app: ASGIApp, *, instruments: Instruments, serving: ServingEngine) -> None:
        self._app = app
        self._instruments = instruments
        self._serving = serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; anything but HTTP passes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        began = time.perf_counter()
        with (
            self._instruments.http_in_flight.track_inprogress(),
            stages_told_to(self._instruments.stage),
            request_fields(**self._serving.described()),
        ):
            try:
                await self._app(scope, receive, answer.send)
            finally:
                self._count(scope, answer, time.perf_counter() - began)

    def _count(self, scope: Scope, answer: "_Answer", seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = getattr(scope.get("route"), "path", _NO_ROUTE)
        self._instruments.request(method, route, answer.status, seconds)
        if answer.problem:
            self._instruments.problem(answer.problem)


class _Answer:
    """What left: its status, and the code of its problem document.

    The code is read from the document itself, so whatever refuses a request is counted.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._is_problem = False
        self._document = bytearray()
        self.status = _NO_ANSWER

    async def send(self, message: Message) -> None:
        """Pass the answer on."""
        if message["type"] == "http.response.start":
            self.status = str(message["status"])
            headers = {bytes(name).lower(): bytes(value) for name, value in message.get("headers", ())}
            self._is_problem = headers.get(b"content-type", b"").startswith(_PROBLEM)
        elif self._is_problem and message["type"] == "http.response.body":
            self._document += message.get("body", b"")
        await self._send(message)

    @property
    def problem(self) -> str | None:
        """The stable code of the refusal; None for a success, and for an answer that was cut short."""
        try:
            return str(json.loads(self._document)["code"]) if self._document else None
        except (ValueError, KeyError):
            return None
