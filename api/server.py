"""The server's process: how it listens, and how it ends without failing anybody whom it let in.

After SIGTERM, in this order: ``/readyz`` is 503 and every answer closes its connection; for the grace period everything
is served as before, so that whoever balances load looks elsewhere; the kernel lets nobody new in; whom it had let in
before is answered; the listener closes; what is under way is finished; idle connections close.
"""

import asyncio
import contextlib
import ctypes
import signal
import socket
import struct
import time
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

from api.deps import Parts
from api.wire import Wire

_FINISH_S = 20  # for what is under way when nobody new is let in any more
_HANDSHAKE_S = 0.2  # for handshakes that had begun then
_FIRST_REQUEST_S = 1.0  # for clients that are connected and have sent nothing yet
_TICK_S = 0.02
_SO_ATTACH_FILTER = getattr(socket, "SO_ATTACH_FILTER", 26)  # Linux
# A classic BPF program over a TCP segment: byte 13 holds the flags; drop those with SYN, pass the others.
_NO_SYN = ((0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))


def make_server(app: FastAPI) -> "Server":
    """The server of an application."""
    parts: Parts = app.state.parts
    serving = parts.settings.serving
    config = uvicorn.Config(
        app,
        host=serving.host,
        port=serving.port,
        # The faster parser, httptools, keeps headers without end in memory; this one stops at 64 KiB.
        http=Wire,
        h11_max_incomplete_event_size=64 * 1024,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(serving.trusted_proxies),
        forwarded_allow_ips=serving.trusted_proxies,
        timeout_graceful_shutdown=_FINISH_S,
    )
    return Server(config, begin_drain=parts.drain.begin, grace_s=serving.drain_grace_s)


class Server(uvicorn.Server):
    """uvicorn's server with a patient end.

    Args:
        config: uvicorn's.
        begin_drain: called when the process is told to stop.
        grace_s: seconds from then until nobody new is let in.
    """

    def __init__(self, config: uvicorn.Config, *, begin_drain: Callable[[], None], grace_s: float) -> None:
        super().__init__(config)
        self._begin_drain = begin_drain
        self._grace_s = grace_s

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Remember that the process is told to stop; a second Ctrl-C stops it at once."""
        super().handle_exit(sig, frame)
        self._begin_drain()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End without failing anybody who was let in."""
        self._begin_drain()
        await self._wait(self._grace_s)
        self._let_nobody_in()
        await self._wait(_HANDSHAKE_S)
        for server in self.servers:
            server.close()
        await self._wait(_FIRST_REQUEST_S, lambda: all(one.cycle for one in self.server_state.connections))
        await asyncio.sleep(0)  # requests that arrived by now are begun, and their connections are no longer idle
        await super().shutdown(sockets)

    def _let_nobody_in(self) -> None:
        for server in self.servers:
            for listener in server.sockets:
                refuse_new_connections(listener)

    async def _wait(self, seconds: float, done: Callable[[], bool] = lambda: False) -> None:
        until = time.monotonic() + seconds
        while not (self.force_exit or done()) and time.monotonic() < until:
            await asyncio.sleep(min(_TICK_S, seconds))


def refuse_new_connections(listener: socket.socket | asyncio.trsock.TransportSocket) -> None:
    """Let the kernel ignore new connections to a listener, while those that it knows go on.

    Closing a listener breaks every connection that was made and not yet accepted; after this there are none soon.
    A client that is ignored tries again after a second, and finds the port closed or its next owner. Where the kernel
    cannot do it (it is no Linux), closing is as abrupt as it always was.
    """
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in _NO_SYN))
    with contextlib.suppress(OSError):
        listener.setsockopt(
            socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(_NO_SYN), ctypes.addressof(program))
        )


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens and that processes can inherit.

    Raises:
        OSError: the address is taken, or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=2048)


def stop_with(lifeline: int) -> None:
    """Stop this process, patiently, when the other end of the pipe ``lifeline`` is gone."""
    with open(lifeline, "rb", buffering=0) as pipe:
        pipe.read(1)
    signal.raise_signal(signal.SIGTERM)
