"""The load generator, a process of its own: clients that send prepared requests one after the other over HTTP/1.1.

It reads raw requests from the files of a folder and measures from the first byte sent to the last byte received. It
parses no more of an answer than its status and its end, so that it costs the servers' cores little. The last line on
standard output is JSON: seconds of each answer, statuses that were not the wanted one, and elapsed seconds.

    python -m bench.load --port P --requests FOLDER --clients 8 [--seconds S | --count N] [--first I] [--want 201]
"""

import argparse
import asyncio
import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_LONGEST_ANSWER_S = 120.0


@dataclass
class Tally:
    """What the clients saw.

    Attributes:
        seconds: of each wanted answer.
        failures: of every other request, what came instead.
    """

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class Connection:
    """One keep-alive connection; opened again when the server closed it after an answer."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send one raw request; returns the answer's status and body.

        Raises:
            OSError, EOFError: the connection broke before the answer was whole.
        """
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=2**22)
        reader, writer = self._streams
        try:
            writer.write(request)
            await writer.drain()
            status, headers, body = await read_answer(reader)
        except BaseException:
            self.close()
            raise
        if headers.get("connection", "").lower() == "close":
            self.close()
        return status, body

    def close(self) -> None:
        """Close it; the next question opens it again."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """Read one HTTP/1.1 answer whose end is told by a length or by chunks: status, headers in lower case, body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in head[1:] if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = b""
        while size := int((await reader.readline()).split(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return int(head[0].split()[1]), headers, body


async def _client(port: int, requests: Iterator[bytes], until: float, want: int, tally: Tally) -> None:
    connection = Connection(port)
    for request in requests:
        if time.perf_counter() >= until:
            break
        started = time.perf_counter()
        try:
            status, body = await asyncio.wait_for(connection.ask(request), _LONGEST_ANSWER_S)
        except (OSError, EOFError, TimeoutError) as error:
            tally.failures.append(f"{type(error).__name__}: {error}")
            continue
        if status == want:
            tally.seconds.append(time.perf_counter() - started)
        else:
            tally.failures.append(f"{status} {body[:200].decode('utf-8', 'replace')}")
    connection.close()


async def _load(arguments: argparse.Namespace) -> dict[str, object]:
    files = sorted(arguments.requests.iterdir())
    bodies = [path.read_bytes() for path in files]
    turn = itertools.cycle(bodies[arguments.first % len(bodies) :] + bodies[: arguments.first % len(bodies)])
    shared = itertools.islice(turn, arguments.count) if arguments.count else turn
    tally, started = Tally(), time.perf_counter()
    until = started + arguments.seconds
    clients = [_client(arguments.port, shared, until, arguments.want, tally) for _ in range(arguments.clients)]
    await asyncio.gather(*clients)
    return {"seconds": tally.seconds, "failures": tally.failures, "elapsed": time.perf_counter() - started}


def main() -> None:
    """Send, measure, print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--requests", type=Path, required=True, help="folder of raw requests, sent in order, in turn")
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="no request begins later")
    parser.add_argument("--count", type=int, default=0, help="no more requests than this; 0: as many as fit")
    parser.add_argument("--first", type=int, default=0, help="the file to begin with")
    parser.add_argument("--want", type=int, default=201, help="the status of a good answer")
    print(json.dumps(asyncio.run(_load(parser.parse_args()))))


if __name__ == "__main__":
    main()
