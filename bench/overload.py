"""Five times more predictions than fit: what is answered, how fast, and how fast the rest is turned away.

The service runs on one core, whoever asks on another. A round asks one client after the other (the unloaded answer),
then as many clients as fill the service (its capacity), then at five times that rate, whether answered or not, then
one client again until answers are as quick as before. Products have a title, a description and a photo.

    python -m bench.overload [--rounds 3] [--seconds 10] [--factor 5]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import servers
from bench.http import memory_of, send
from bench.servers import Server
from bench.shop import PROJECT, Shop, ready_shop
from bench.tables import print_table, publish, say
from core.settings import ServingSettings

WANTED_GOODPUT = 0.9  # of the capacity
WANTED_REJECTED_S = 0.05
WANTED_RECOVERY_S = 5.0
WANTED_GROWTH_MB = 50.0  # from a round's overload to the next one's
_FILLING = 4  # clients that keep every place taken and nobody waiting long
_WARM_S = 5.0
_FULL_S = 1.0  # from the first arrival until the queue is full
_QUICK = 2.0  # times the unloaded median: recovered


@dataclass
class Round:
    """One round.

    Attributes:
        unloaded: seconds of each answer to a lone client.
        capacity: answers a second with every place taken, before and after the overload.
        answers: (due, seconds, status or what broke it) of each request of the overload.
        seconds: how long requests came.
        peak_mb: most memory during the overload.
        recovery_s: from the last answer to the first one as quick as an unloaded one.
        lag_s: how late whoever asks was, at most: much of it, and the machine was busy with something else.
        cpu_ms: the service's processor time for an answer, as it fits and in the overload: what the refusals cost.
    """

    unloaded: list[float]
    seconds: float
    capacity: list[float] = field(default_factory=list)
    answers: list[tuple[float, float, int | str]] = field(default_factory=list)
    peak_mb: float = 0.0
    recovery_s: float = float("inf")
    lag_s: float = 0.0
    cpu_ms: tuple[float, float] = (float("nan"), float("nan"))

    @property
    def goodput(self) -> float:
        """Answers a second while more came than fit: neither at the start nor from the queue at the end."""
        ended = (due + seconds for due, seconds, status in self.answers if status == 201)
        return sum(_FULL_S < moment <= self.seconds for moment in ended) / (self.seconds - _FULL_S)


def main() -> int:
    """Measure, print a table and a JSON line; 1 when something wanted was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--seconds", type=float, default=10.0, help="length of a round's overload; its other parts: half"
    )
    parser.add_argument("--factor", type=float, default=5.0, help="times the capacity")
    arguments = parser.parse_args()
    shop = ready_shop()
    with shop.opened() as folder, tempfile.TemporaryDirectory() as scratch:
        api = servers.our_api(Shop(folder), SERVING_INFERENCE_THREADS="1")
        with _on_one_core(api):
            requests = servers.requests_for(api, Path(scratch), shop.products())
            send(api, requests, "--clients", "2", "--seconds", str(_WARM_S))
            rounds = [_round(api, requests, arguments, number) for number in range(arguments.rounds)]
    return _report(rounds, arguments.factor)


@contextmanager
def _on_one_core(api: Server) -> Iterator[None]:
    """The service, with all its processes, on one core, and everything else on the others."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("bench.overload needs two cores: one for the service, one for whoever asks")
    os.sched_setaffinity(0, cores[-1:])
    try:
        say(f"starting {api.name} on core {cores[-1]}")
        api.start()
        os.sched_setaffinity(0, cores[:-1])
        api.wait()
        yield
    finally:
        api.stop()
        os.sched_setaffinity(0, cores)


def _round(api: Server, requests: Path, arguments: argparse.Namespace, number: int) -> Round:
    half = str(arguments.seconds / 2)
    lone = send(api, requests, "--clients", "1", "--seconds", half, "--first", str(37 * number))
    this = Round(sorted(lone["seconds"]), arguments.seconds)
    used = [api.cpu_s()]
    this.capacity.append(_capacity(api, requests, half))
    fitting, used = this.capacity[0] * arguments.seconds / 2, [*used, api.cpu_s()]
    rate = arguments.factor * this.capacity[0]
    say(f"round {number + 1}: {this.capacity[0]:.1f} answers a second fit; {rate:.0f} requests a second come")
    _overload(api, requests, this, rate, number)
    answered = sum(status == 201 for _, _, status in this.answers)
    this.cpu_ms = ((used[1] - used[0]) / fitting * 1e3, (api.cpu_s() - used[1]) / max(1, answered) * 1e3)
    this.recovery_s = _recovery(api, requests, _QUICK * _quantile(this.unloaded, 0.5))
    this.capacity.append(_capacity(api, requests, half))
    return this


def _capacity(api: Server, requests: Path, seconds: str) -> float:
    block = send(api, requests, "--clients", str(_FILLING), "--seconds", seconds)
    if block["failures"]:
        raise RuntimeError(f"{_FILLING} clients are refused: {block['failures'][0]}")
    return len(block["seconds"]) / block["elapsed"]


def _overload(api: Server, requests: Path, this: Round, rate: float, seed: int) -> None:
    peak, done = _watch_memory(api)
    command = [sys.executable, "-m", "bench.arrivals", "--port", str(api.port), "--requests", str(requests)]
    options = ["--rate", f"{rate:.3f}", "--seconds", str(this.seconds), "--seed", str(seed)]
    try:
        ended = subprocess.run([*command, *options], cwd=PROJECT, check=True, stdout=subprocess.PIPE)
    finally:
        done.set()
    told = json.loads(ended.stdout)
    this.answers, this.lag_s = [tuple(answer) for answer in told["answers"]], told["lag_s"]
    this.peak_mb = max(peak)


def _watch_memory(api: Server) -> tuple[list[float], threading.Event]:
    """Resident memory of the service in MB, looked at until the event is set."""
    seen, done = [memory_of(api.pid)["rss_mb"]], threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            seen.append(memory_of(api.pid)["rss_mb"])

    threading.Thread(target=watch, daemon=True).start()
    return seen, done


def _recovery(api: Server, requests: Path, quick_s: float) -> float:
    """Seconds until a lone client is answered as quickly as ever; the queue is empty by then."""
    began = time.perf_counter()
    while time.perf_counter() - began < 2 * WANTED_RECOVERY_S:
        block = send(api, requests, "--clients", "1", "--count", "1")
        if block["seconds"] and block["seconds"][0] <= quick_s:
            return time.perf_counter() - began
    return float("inf")


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def _report(rounds: list[Round], factor: float) -> int:
    budget_s = ServingSettings().latency_budget_s
    each = [_facts(one) for one in rounds]
    columns = ("capacity", "goodput", "unloaded_p50_ms", "unloaded_p99_ms", "accepted_p50_ms", "accepted_p99_ms")
    columns += ("rejected_p50_ms", "rejected_p99_ms", "peak_mb", "recovery_s", "lag_ms", "cpu_ms", "overload_cpu_ms")
    print_table(["round", *columns], [[str(n + 1), *(str(one[c]) for c in columns)] for n, one in enumerate(each)])
    over = {**_facts(_joined(rounds)), "goodput": round(statistics.mean(one.goodput for one in rounds), 2)}
    limit_ms = 2 * over["unloaded_p50_ms"] + budget_s * 1e3
    growth = each[-1]["peak_mb"] - each[0]["peak_mb"]
    share = over["goodput"] / over["capacity"]
    wanted = {
        f"≥ {WANTED_GOODPUT:.0%} of the capacity answered at {factor:g} times it: {share:.0%}": share >= WANTED_GOODPUT,
        f"accepted p99 ≤ 2 × unloaded + {budget_s:g} s: {over['accepted_p99_ms']} of {limit_ms:.0f} ms": over[
            "accepted_p99_ms"
        ]
        <= limit_ms,
        f"rejected p99 ≤ {WANTED_REJECTED_S * 1e3:.0f} ms: {over['rejected_p99_ms']} ms": over["rejected_p99_ms"]
        <= WANTED_REJECTED_S * 1e3,
        f"no time-outs, no broken connections, nothing but 201 and 503: {over['others']}": not over["others"],
        f"memory flat: {growth:+.1f} MB from the first overload to the last": growth <= WANTED_GROWTH_MB,
        f"recovered within {WANTED_RECOVERY_S:g} s: {over['recovery_s']} s": over["recovery_s"] <= WANTED_RECOVERY_S,
    }
    return publish("overload", {"factor": factor, "budget_s": budget_s, "rounds": each, "all": over}, wanted)


def _joined(rounds: list[Round]) -> Round:
    return Round(
        sorted(seconds for one in rounds for seconds in one.unloaded),
        sum(one.seconds for one in rounds),
        [capacity for one in rounds for capacity in one.capacity],
        [answer for one in rounds for answer in one.answers],
        max(one.peak_mb for one in rounds),
        max(one.recovery_s for one in rounds),
        max(one.lag_s for one in rounds),
        tuple(statistics.mean(each) for each in zip(*(one.cpu_ms for one in rounds), strict=True)),
    )


def _facts(one: Round) -> dict[str, Any]:
    accepted = sorted(seconds for _, seconds, status in one.answers if status == 201)
    rejected = sorted(seconds for _, seconds, status in one.answers if status == 503)
    others = [status for _, _, status in one.answers if status not in (201, 503)]
    quantiles = {
        f"{name}_p{share}_ms": round(_quantile(seconds, share / 100) * 1e3, 1)
        for name, seconds in (("unloaded", one.unloaded), ("accepted", accepted), ("rejected", rejected))
        for share in (50, 99)
    }
    return {
        "capacity": round(sum(one.capacity) / len(one.capacity), 2),
        "goodput": round(one.goodput, 2),
        "accepted": len(accepted),
        "rejected": len(rejected),
        "others": {str(status): others.count(status) for status in set(others)},
        **quantiles,
        "peak_mb": one.peak_mb,
        "recovery_s": round(one.recovery_s, 2),
        "lag_ms": round(one.lag_s * 1e3, 1),
        "cpu_ms": round(one.cpu_ms[0], 1),
        "overload_cpu_ms": round(one.cpu_ms[1], 1),
    }


if __name__ == "__main__":
    sys.exit(main())
