"""Limits on bodies, told by hand-written ASGI messages."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import HTTPException
from starlette.types import Message, Receive, Scope, Send

from api.drain import Drain
from api.edge import BodyLimit, Edge
from api.metrics.instruments import Instruments
from api.predictions.admission import Admission


async def read_everything(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that reads its body and says how long it was."""
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(length).encode()})


async def fail(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("secret of the house")


async def fail_half_way(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise RuntimeError("secret of the house")


class Wire:
    """A connection that delivers ``chunks`` and then says nothing more."""

    def __init__(self, chunks: Sequence[bytes], *, stalls: bool = False) -> None:
        self._messages: list[Message] = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
        if not stalls:
            self._messages.append({"type": "http.request", "body": b"", "more_body": False})
        self.sent: list[Message] = []
        self.taken = 0

    async def receive(self) -> Message:
        if self.taken == len(self._messages):
            await asyncio.Event().wait()
        self.taken += 1
        return self._messages[self.taken - 1]

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return self.sent[0]["status"]

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])


def serve(
    wire: Wire,
    app: Any = read_everything,
    *,
    path: str = "/x",
    headers: Sequence[tuple[bytes, bytes]] = (),
    deadline_s: float = 60.0,
    gates: Mapping[tuple[str, str], Admission] | None = None,
    drain: Drain | None = None,
) -> Wire:
    edge = Edge(
        app,
        body_limits={"/predict": BodyLimit(100, deadline_s)},
        default_limit=BodyLimit(10, deadline_s),
        gates=gates or {},
        drain=drain or Drain(),
    )
    scope = {"type": "http", "method": "POST", "path": path, "headers": list(headers)}
    asyncio.run(edge(scope, wire.receive, wire.send))
    return wire


def test_a_body_within_the_limit_arrives_whole() -> None:
    wire = serve(Wire([b"12345", b"67890"]))
    assert (wire.status, wire.body) == (200, b"10")


def test_an_announced_body_over_the_limit_is_refused_before_a_byte_is_read() -> None:
    wire = serve(Wire([b"x" * 300]), headers=[(b"content-length", b"300000000")])
    assert (wire.status, wire.taken) == (413, 0)
    assert wire.headers["connection"] == "close"
    assert json.loads(wire.body)["code"] == "request.too_large"


def test_an_unannounced_body_over_the_limit_is_refused_at_the_byte_that_is_too_many() -> None:
    wire = serve(Wire([b"12345"] * 1000))
    assert (wire.status, wire.taken) == (413, 3)


def test_one_path_may_have_a_limit_of_its_own() -> None:
    assert serve(Wire([b"12345"] * 20), path="/predict").status == 200
    assert serve(Wire([b"12345"] * 21), path="/predict").status == 413


def test_a_body_that_stalls_is_given_up() -> None:
    wire = serve(Wire([b"123"], stalls=True), deadline_s=0.0)
    assert wire.status == 408
    assert wire.headers["connection"] == "close"


def test_encoded_bodies_are_refused_unread() -> None:
    wire = serve(Wire([b"x"]), headers=[(b"content-encoding", b"gzip")])
    assert (wire.status, wire.taken) == (415, 0)


def test_a_body_of_two_lengths_is_refused_and_what_follows_it_is_not_read() -> None:
    wire = serve(Wire([b"x"]), headers=[(b"content-length", b"1"), (b"transfer-encoding", b"chunked")])
    assert (wire.status, wire.taken) == (400, 0)
    assert wire.headers["connection"] == "close"


def test_a_mistake_is_a_500_without_its_words() -> None:
    wire = serve(Wire([]), fail)
    assert wire.status == 500
    assert b"secret" not in wire.body
    assert wire.headers["content-type"] == "application/problem+json"


def test_a_mistake_after_half_an_answer_breaks_the_connection() -> None:
    wire = Wire([])
    try:
        serve(wire, fail_half_way)
    except RuntimeError:
        assert len(wire.sent) == 1
    else:
        raise AssertionError("the server was not told")


def test_a_refusal_from_inside_is_a_problem() -> None:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        raise HTTPException(404, "no")

    assert serve(Wire([]), refuse).status == 404


def test_every_answer_carries_a_request_id_and_safe_headers() -> None:
    headers = serve(Wire([]), headers=[(b"x-request-id", b"order-7")]).headers
    assert headers["x-request-id"] == "order-7"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_a_request_without_room_is_told_to_come_back_before_a_byte_is_read() -> None:
    full = Admission(0, 1.0, Instruments())
    wire = serve(Wire([b"x" * 100]), path="/predict", gates={("POST", "/predict"): full})
    assert (wire.status, wire.taken) == (503, 0)
    assert json.loads(wire.body)["code"] == "service.overloaded"
    assert int(wire.headers["retry-after"]) >= 1


def test_what_a_request_claimed_is_given_back_when_the_application_does_not_use_it() -> None:
    admission = Admission(1, 1.0, Instruments())
    serve(Wire([]), path="/predict", gates={("POST", "/predict"): admission})
    assert (admission.waiting, admission.inside) == (0, 0)


def test_a_process_that_ends_closes_its_connections_with_their_answers() -> None:
    drain = Drain()
    assert "connection" not in serve(Wire([]), drain=drain).headers
    drain.begin()
    assert serve(Wire([]), drain=drain).headers["connection"] == "close"
