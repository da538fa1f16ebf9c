"""Moving the release and rolling it back while 8 clients predict without a pause.

The ledger moves to another package and back by ``promote`` and ``roll_back``, as the jobs do it. Measured: requests
that failed (none may), seconds from the rollback's commit to the first answer by the old version, and from a
promotion's commit to the first answer by the new one. Products are titles with descriptions; photos only make each
answer take longer.

    python -m bench.release [--requests 10000] [--turns 5] [--clients 8]
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from dataclasses import dataclass, field
from itertools import count

from sqlalchemy.orm import Session, sessionmaker

from bench import servers
from bench.load import Connection
from bench.shop import Shop, another_package, ready_shop
from bench.tables import print_table, publish, say
from core.db.models import Promotion
from core.db.repositories import promotions
from core.db.session import make_engine, make_sessions, transact
from core.settings import DatabaseSettings

WANTED_S = 1.0
_SETTLED_ANSWERS = 25  # answers by a release before the next move
_LONGEST_S = 60.0


@dataclass
class Crowd:
    """What all clients were answered.

    Attributes:
        begun: requests sent.
        answered: of them, those with a good answer.
        failures: what came instead of the others.
        first: when each epoch answered first (``time.perf_counter``).
        by_epoch: answers by epoch.
        mixed: answers whose version is not their epoch's.
    """

    requests: list[bytes]
    most: int
    begun: int = 0
    answered: int = 0
    failures: list[str] = field(default_factory=list)
    first: dict[int, float] = field(default_factory=dict)
    by_epoch: dict[int, int] = field(default_factory=dict)
    versions: dict[int, set[str]] = field(default_factory=dict)

    async def predict(self, port: int) -> None:
        """One client, until all requests are begun."""
        connection = Connection(port)
        while self.begun < self.most:
            request = self.requests[self.begun % len(self.requests)]
            self.begun += 1
            try:
                status, body = await connection.ask(request)
            except (OSError, EOFError) as error:
                self.failures.append(f"{type(error).__name__}: {error}")
                continue
            if status != 201:
                self.failures.append(f"{status} {body[:200].decode('utf-8', 'replace')}")
                continue
            self._note(json.loads(body)["model"])
        connection.close()

    def _note(self, model: dict[str, object]) -> None:
        epoch = int(str(model["epoch"]))
        self.answered += 1
        self.first.setdefault(epoch, time.perf_counter())
        self.by_epoch[epoch] = self.by_epoch.get(epoch, 0) + 1
        self.versions.setdefault(epoch, set()).add(str(model["version"]))


def main() -> int:
    """Measure, print a table and a JSON line; 1 when a request failed or a rollback was slow."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000, help="requests in all")
    parser.add_argument("--turns", type=int, default=5, help="promotions, each followed by a rollback")
    parser.add_argument("--clients", type=int, default=8)
    arguments = parser.parse_args()
    shop = ready_shop()
    other = another_package(shop, "bench.release")
    with shop.opened() as folder:
        api = servers.our_api(Shop(folder))
        engine = make_engine(DatabaseSettings(url=f"sqlite:///{folder}/etalon.db"))
        with servers.running([api]):
            bearer = {"Authorization": f"Bearer {servers.sign_in(api.port, folder)}"}
            requests = [
                servers.form_request("/predict", (title, description, b""), bearer)
                for title, description, _ in shop.products()
            ]
            crowd = Crowd(requests, arguments.requests)
            moves = asyncio.run(_run(crowd, api.port, make_sessions(engine), other, arguments))
        engine.dispose()
    return _report(crowd, moves, arguments)


Moves = list[tuple[str, int, float]]
"""What was done, the epoch it made, seconds from its commit to the first answer by that epoch."""


async def _run(
    crowd: Crowd, port: int, sessions: sessionmaker[Session], other: str, arguments: argparse.Namespace
) -> Moves:
    clients = [asyncio.create_task(crowd.predict(port)) for _ in range(arguments.clients)]
    moves: Moves = []
    epoch = 1
    for turn in range(arguments.turns):
        await _settled(crowd, epoch, after=crowd.most * (turn + 0.5) / (arguments.turns + 0.5))
        for what, move in (("promotion", _promote), ("rollback", _roll_back)):
            row = await asyncio.to_thread(transact, sessions, lambda session, move=move: move(session, other))
            committed, epoch = time.perf_counter(), row.epoch
            await _settled(crowd, epoch)
            moves.append((what, epoch, crowd.first[epoch] - committed))
        say(
            f"turn {turn + 1} of {arguments.turns}: rolled back to epoch 1's package in {moves[-1][2]:.2f} s; "
            f"{crowd.answered} of {crowd.most} answered"
        )
    for done in count():
        if all(client.done() for client in clients):
            break
        if done % 20 == 19:
            say(f"{crowd.answered} of {crowd.most} answered")
        await asyncio.sleep(1)
    await asyncio.gather(*clients)
    return moves


async def _settled(crowd: Crowd, epoch: int, after: float = 0.0) -> None:
    """Wait until the epoch has answered a few times, and ``after`` requests have been answered in all."""
    waited = time.monotonic()
    while crowd.by_epoch.get(epoch, 0) < _SETTLED_ANSWERS or crowd.answered < after:
        if crowd.by_epoch.get(epoch, 0) == 0 and time.monotonic() - waited > _LONGEST_S:
            raise RuntimeError(f"epoch {epoch} did not answer within {_LONGEST_S} s; {crowd.failures[:1]}")
        if crowd.begun >= crowd.most:
            raise RuntimeError("too few requests for so many turns: --requests more, or --turns fewer")
        await asyncio.sleep(0.005)


def _promote(session: Session, other: str) -> Promotion:
    now = promotions.current(session)
    assert now is not None
    return promotions.promote(
        session,
        expected_epoch=now.epoch,
        models={**now.models, "fusion": other},
        actor="bench",
        reason="bench.release",
        kind="manual",
        gate_report=None,
        run_id=None,
        manifest=now.manifest,
        taxonomy_version=now.taxonomy_version,
    )


def _roll_back(session: Session, other: str) -> Promotion:
    now = promotions.current(session)
    assert now is not None
    return promotions.roll_back(session, expected_epoch=now.epoch, actor="bench", reason="bench.release")


def _report(crowd: Crowd, moves: Moves, arguments: argparse.Namespace) -> int:
    seconds = {what: [took for name, _, took in moves if name == what] for what in ("promotion", "rollback")}
    header = ["to the first answer by the other version, s", "median", "slowest", "moves"]
    rows = [
        [what, f"{statistics.median(took):.2f}", f"{max(took):.2f}", str(len(took))] for what, took in seconds.items()
    ]
    print_table(header, rows)
    told = f"{crowd.answered} of {crowd.begun} requests by {arguments.clients} clients answered"
    print(f"{told}, {len(crowd.failures)} failed")
    mixed = sum(len(versions) != 1 for versions in crowd.versions.values())
    slowest = max(seconds["rollback"])
    facts = {
        "requests": crowd.begun,
        "failures": crowd.failures[:5],
        "clients": arguments.clients,
        **{f"{what}_s": [round(one, 3) for one in took] for what, took in seconds.items()},
    }
    return publish(
        "release",
        facts,
        {
            f"no failed request of {crowd.begun}: {len(crowd.failures)}": not crowd.failures,
            f"first answer by the old version < {WANTED_S:.0f} s after the rollback's commit: {slowest:.2f} s": slowest
            < WANTED_S,
            f"one version an epoch: {mixed} epochs with more": mixed == 0,
        },
    )


if __name__ == "__main__":
    sys.exit(main())
