"""A prediction of a title, a description and a photo over HTTP: our service against others, with the same weights.

* ``etalon``: ``python -m api``; an answer is staged and durable before it is sent.
* ``etalon with model.predict``: the same service, but the encoders run in Keras ``model.predict``.
* ``mlflow models serve``, ``LitServe`` and ``BentoML``: the encoders in one Keras model by their documented examples;
  they skip the lexical and the appearance expert, the fusion, the photo's re-encoding and the staging that ours does.
* ``mlflow models serve, our pyfunc``: the registered champion, which is our own engine again, without accounts, the
  photo's re-encoding and staging. Not another's way to serve, but what these three cost us.

Every server runs throughout; blocks of requests alternate between them, at 1, 2, 4 and 8 clients, so that other load
falls on all. Clients send distinct products from a process of its own. Also: our memory after at least 1,000
predictions at 8 clients.

    python -m bench.http [--rounds 2] [--seconds 4] [--clients 1,2,4,8] [--only LitServe,BentoML] [--memory 1000]
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import servers
from bench.servers import Server
from bench.shop import PROJECT, Shop, ready_shop
from bench.tables import RESULTS, print_table, publish, say

OURS, KERAS_INSIDE, PYFUNC = "etalon", "etalon with model.predict", "mlflow models serve, our pyfunc"
MLFLOW, PEERS = "mlflow models serve", ("mlflow models serve", "LitServe", "BentoML")
NAMES = (OURS, KERAS_INSIDE, *PEERS, PYFUNC)
WANTED_RATIO = 1.8
WANTED_MEMORY_MB = 700
_WARM = 6  # requests to each server at first

Measured = dict[tuple[str, int], dict[str, Any]]


def main() -> int:
    """Measure, print a table and a JSON line; 1 when something wanted was missed."""
    arguments = _arguments()
    shop = ready_shop()
    products = shop.products()
    with tempfile.TemporaryDirectory(prefix="etalon-bench-") as scratch, shop.opened() as ours, shop.opened() as theirs:
        lineup = _lineup(shop, Shop(ours), Shop(theirs), arguments.only)
        with servers.running(lineup):
            requests = {one.name: servers.requests_for(one, Path(scratch), products) for one in lineup}
            measured = _measure(lineup, requests, arguments)
            memory = _memory(lineup[0], requests[OURS], arguments.memory) if arguments.memory else None
    return _report(measured, memory, arguments)


def _lineup(shop: Shop, ours: Shop, theirs: Shop, only: Sequence[str]) -> list[Server]:
    folder = RESULTS / "twin" / shop.champion()
    if set(PEERS) & set(only) and not folder.is_dir():
        say("saving the Keras model for the peers (once)")
        save = [sys.executable, "-m", "bench.twin", shop.champion(), str(folder)]
        subprocess.run(save, cwd=PROJECT, env=shop.environment(), check=True)
    made = {
        OURS: lambda: servers.our_api(ours, name=OURS),
        KERAS_INSIDE: lambda: servers.our_api(theirs, module="bench.keras_api", name=KERAS_INSIDE),
        MLFLOW: lambda: servers.mlflow_server(
            servers.keras_in_mlflow(folder), servers.peer_environment(folder), ours.folder, name=MLFLOW
        ),
        PYFUNC: lambda: servers.mlflow_server("models:/fusion/1", shop.environment(), ours.folder, name=PYFUNC),
        "LitServe": lambda: servers.litserve_server(folder, ours.folder / "litserve.log"),
        "BentoML": lambda: servers.bentoml_server(folder, ours.folder / "bentoml.log"),
    }
    return [made[name]() for name in NAMES if name in only]


def _measure(lineup: list[Server], requests: dict[str, Path], arguments: argparse.Namespace) -> Measured:
    for server in lineup:
        block = send(server, requests[server.name], "--count", str(_WARM), "--clients", "2")
        if block["failures"]:
            raise RuntimeError(f"{server.name} fails, so there is nothing to compare with: {block['failures'][0]}")
    taken: Measured = defaultdict(lambda: {"seconds": [], "elapsed": 0.0, "cpu": 0.0, "failures": []})
    first = _WARM
    for turn in range(arguments.rounds):
        for clients in arguments.clients:
            for server in lineup if turn % 2 == 0 else reversed(lineup):
                length = ("--seconds", str(arguments.seconds), "--first", str(first))
                before = server.cpu_s()
                block = send(server, requests[server.name], "--clients", str(clients), *length)
                kept = taken[server.name, clients]
                kept["seconds"] += block["seconds"]
                kept["failures"] += block["failures"]
                kept["elapsed"] += block["elapsed"]
                kept["cpu"] += server.cpu_s() - before
            say(f"round {turn + 1} of {arguments.rounds}: {clients} client{'s' * (clients > 1)} done")
            first += 37  # other products next time
    return taken


def send(server: Server, requests: Path, *options: str) -> dict[str, Any]:
    """Run the load generator against a server; what it printed."""
    command = [sys.executable, "-m", "bench.load", "--port", str(server.port), "--requests", str(requests)]
    done = subprocess.run(
        [*command, "--want", str(server.want), *options], cwd=PROJECT, check=True, stdout=subprocess.PIPE
    )
    return json.loads(done.stdout)


def _memory(server: Server, requests: Path, count: int) -> dict[str, float]:
    say(f"{count} predictions by 8 clients, for the memory")
    block = send(server, requests, "--clients", "8", "--count", str(count))
    assert not block["failures"], block["failures"][:3]
    return {"predictions": count, **memory_of(server.pid)}


def memory_of(pid: int) -> dict[str, float]:
    """Resident and proportional memory of a process in MB (10**6 bytes), now and at most."""

    def kilobytes(file: str, name: str) -> float:
        lines = Path(f"/proc/{pid}/{file}").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(f"{name}:"))

    return {
        "rss_mb": round(kilobytes("status", "VmRSS"), 1),
        "peak_rss_mb": round(kilobytes("status", "VmHWM"), 1),
        "pss_mb": round(kilobytes("smaps_rollup", "Pss"), 1),
    }


def _report(measured: Measured, memory: dict[str, float] | None, arguments: argparse.Namespace) -> int:
    facts = {f"{name} at {clients}": _facts(block) for (name, clients), block in measured.items()}
    rows = []
    for name in [one for one in NAMES if one in arguments.only]:
        each = [facts[f"{name} at {clients}"] for clients in arguments.clients]
        rows.append(
            [name, *(f"{one['median_ms']:.0f} · {one['per_second']:.1f} · {one['cpu_ms']:.0f}" for one in each)]
        )
    print_table(
        [
            "median ms · answers a second · processor ms an answer",
            *(f"{n} client{'s' * (n > 1)}" for n in arguments.clients),
        ],
        rows,
    )
    if memory:
        told = f"{memory['rss_mb']} MB resident, {memory['pss_mb']} MB proportional"
        print(f"memory after {memory['predictions']} predictions: {told}")
    return publish("http", {"answers": facts, "memory": memory}, _wanted(facts, memory, arguments))


def _facts(block: dict[str, Any]) -> dict[str, Any]:
    seconds = sorted(block["seconds"])
    return {
        "answers": len(seconds),
        "failures": len(block["failures"]),
        "first_failure": next(iter(block["failures"]), None),
        "median_ms": round(statistics.median(seconds) * 1e3, 1) if seconds else float("nan"),
        "p95_ms": round(seconds[int(len(seconds) * 0.95)] * 1e3, 1) if seconds else float("nan"),
        "per_second": round(len(seconds) / block["elapsed"], 2),
        "cpu_ms": round(block["cpu"] / max(1, len(seconds)) * 1e3, 1),
    }


def _wanted(facts: dict[str, Any], memory: dict[str, float] | None, arguments: argparse.Namespace) -> dict[str, bool]:
    def ratio(name: str, clients: int, figure: str) -> float:
        ours, theirs = facts[f"{OURS} at {clients}"][figure], facts[f"{name} at {clients}"][figure]
        return theirs / ours if figure == "median_ms" else ours / theirs

    wanted, most = {}, max(arguments.clients)
    if KERAS_INSIDE in arguments.only:
        each = {n: ratio(KERAS_INSIDE, n, "median_ms") for n in arguments.clients}
        told = ", ".join(f"{value:.2f} × at {n}" for n, value in each.items())
        wanted[f"≥ {WANTED_RATIO} times as fast as the same route with model.predict: {told}"] = (
            min(each.values()) >= WANTED_RATIO
        )
    for name in [one for one in PEERS if one in arguments.only]:
        each = {n: ratio(name, n, "median_ms") for n in arguments.clients}
        told = ", ".join(f"{value:.2f} × at {n}" for n, value in each.items())
        wanted[f"a lower median than {name}: {told}"] = min(each.values()) > 1
        rate = ratio(name, most, "per_second")
        wanted[f"more answers a second than {name} at {most} clients: {rate:.2f} ×"] = rate > 1
    if memory:
        wanted[f"at most {WANTED_MEMORY_MB} MB: {memory['rss_mb']} MB"] = memory["rss_mb"] <= WANTED_MEMORY_MB
    failures = sum(one["failures"] for name, one in facts.items() if name.startswith(OURS))
    wanted[f"no failed request of ours: {failures}"] = failures == 0
    return wanted


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    numbers = lambda text: [int(one) for one in text.split(",")]  # noqa: E731
    parser.add_argument("--rounds", type=int, default=2, help="blocks of each server at each number of clients")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of a block")
    parser.add_argument("--clients", type=numbers, default=[1, 2, 4, 8], help="numbers of clients")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(NAMES), help="servers; ours always")
    parser.add_argument("--memory", type=int, default=1000, help="predictions before memory is read; 0: not at all")
    arguments = parser.parse_args()
    unknown = set(arguments.only) - set(NAMES)
    if unknown:
        parser.error(f"unknown servers {sorted(unknown)}; there are {', '.join(NAMES)}")
    arguments.only = [OURS, *(one for one in arguments.only if one != OURS)]
    return arguments


if __name__ == "__main__":
    sys.exit(main())
