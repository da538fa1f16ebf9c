"""Connections that are no HTTP, too slow, or too many: told by sockets and a server of the test's own."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from api import wire
from api.wire import Wire

Ask = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers before it has read anything of the body."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def with_a_server(story: Callable[[Ask], Awaitable[None]]) -> None:
    async def run() -> None:
        config, state = uvicorn.Config(hello, log_config=None, timeout_keep_alive=1), ServerState()
        server = await asyncio.get_running_loop().create_server(lambda: Wire(config, state, {}), "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        writers = []

        async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            reader, writer = await asyncio.open_connection(host, port)
            writers.append(writer)
            return reader, writer

        async with server, asyncio.timeout(20):
            await story(connect)
            for writer in writers:
                writer.close()
            await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)
            while state.connections:
                await asyncio.sleep(0)

    asyncio.run(run())


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "HEAD_S", 0.2)


def test_what_is_no_http_is_a_problem() -> None:
    async def story(connect: Ask) -> None:
        reader, writer = await connect()
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400")
        assert b"application/problem+json" in head.lower()
        assert json.loads(body)["code"] == "request.malformed"
        assert b"SSH" not in body

    with_a_server(story)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("sent", [b"", b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: "])
def test_a_head_that_does_not_come_in_time_ends_the_connection_however_it_trickles(sent: bytes) -> None:
    async def story(connect: Ask) -> None:
        reader, writer = await connect()
        writer.write(sent)
        ended = asyncio.ensure_future(reader.read())
        while not ended.done():
            if sent:
                writer.write(b"a")
            await asyncio.sleep(0.02)
        assert ended.exception() is not None or ended.result() == b""

    with_a_server(story)


@pytest.mark.usefixtures("quick")
def test_the_rest_of_a_body_that_was_answered_early_has_to_come_in_time_too() -> None:
    async def story(connect: Ask) -> None:
        reader, writer = await connect()
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx")
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        ended = asyncio.ensure_future(reader.read())
        while not ended.done():
            writer.write(b"x")
            await asyncio.sleep(0.02)

    with_a_server(story)


@pytest.mark.usefixtures("quick")
def test_a_connection_that_rests_between_requests_is_left_to_the_keep_alive_clock() -> None:
    async def story(connect: Ask) -> None:
        reader, writer = await connect()
        for _ in range(3):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readuntil(b"ok")
            await asyncio.sleep(0.4)  # longer than a head may take

    with_a_server(story)


def test_a_connection_too_many_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "most_connections", lambda: 1)

    async def story(connect: Ask) -> None:
        reader, writer = await connect()
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"ok")
        other, _ = await connect()
        head, _, body = (await other.read()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503")
        assert b"retry-after" in head.lower()
        assert json.loads(body)["code"] == "service.overloaded"
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"ok")

    with_a_server(story)
