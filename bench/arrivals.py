"""The load generator for overload, a process of its own: requests come when they come, answered or not.

Clients of ``bench.load`` wait for their answer before they ask again, so a slow server is asked less. Here requests
arrive at random moments of a given rate, each on a connection that is free or on a new one, and their time counts
from the moment they were due. The last line on standard output is JSON: of each request when it was due, its seconds
and its status, or the name of what broke it.

    python -m bench.arrivals --port P --requests FOLDER --rate 50 --seconds 10 [--seed N]
"""

import argparse
import asyncio
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.load import Connection

_PATIENCE_S = 10.0
_FRESH_S = 3.0  # a connection that has rested longer may be about to close


@dataclass
class Crowd:
    """What was answered to whom, and the connections that are free.

    Attributes:
        answers: (due, seconds, status); due in seconds from the start.
        lag_s: how late the generator itself was, at most.
    """

    port: int
    began: float
    answers: list[tuple[float, float, int | str]] = field(default_factory=list)
    lag_s: float = 0.0
    _free: list[tuple[float, Connection]] = field(default_factory=list)

    async def ask(self, due: float, request: bytes) -> None:
        """Send one request that was due at ``due`` and note what came of it."""
        self.lag_s = max(self.lag_s, self._now() - due)
        connection = self._connection()
        status: int | str
        try:
            status, _ = await asyncio.wait_for(connection.ask(request), _PATIENCE_S)
            self._free.append((self._now(), connection))
        except (OSError, EOFError, TimeoutError) as error:
            status = type(error).__name__
            connection.close()
        self.answers.append((round(due, 3), round(self._now() - due, 4), status))

    def close(self) -> None:
        """Close every connection."""
        for _, connection in self._free:
            connection.close()
        self._free.clear()

    def _connection(self) -> Connection:
        """The one that was used last, or a new one."""
        if self._free and self._now() - self._free[-1][0] > _FRESH_S:
            self.close()
        return self._free.pop()[1] if self._free else Connection(self.port)

    def _now(self) -> float:
        return time.perf_counter() - self.began


def arrivals(rate: float, seconds: float, seed: int) -> Iterator[float]:
    """Moments of a Poisson process, in seconds from the start."""
    draw, due = random.Random(seed), 0.0  # noqa: S311 - when they come is no secret
    while (due := due + draw.expovariate(rate)) < seconds:
        yield due


async def _load(arguments: argparse.Namespace) -> dict[str, object]:
    requests = [path.read_bytes() for path in sorted(arguments.requests.iterdir())]
    crowd, sent = Crowd(arguments.port, time.perf_counter()), []
    for number, due in enumerate(arrivals(arguments.rate, arguments.seconds, arguments.seed)):
        await asyncio.sleep(due - (time.perf_counter() - crowd.began))
        sent.append(asyncio.ensure_future(crowd.ask(due, requests[number % len(requests)])))
    await asyncio.gather(*sent)
    crowd.close()
    return {"answers": sorted(crowd.answers, key=lambda answer: answer[0]), "lag_s": round(crowd.lag_s, 4)}


def main() -> None:
    """Send, measure, print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--requests", type=Path, required=True, help="folder of raw requests, sent in order, in turn")
    parser.add_argument("--rate", type=float, required=True, help="requests a second, on average")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, default=0)
    print(json.dumps(asyncio.run(_load(parser.parse_args()))))


if __name__ == "__main__":
    main()
