"""What a sign-in costs: milliseconds of one after the other, and memory while a hundred arrive at once.

The service is a real process on a fresh database. Its memory is what is resident: just after the start, before anybody
has signed in, and at its highest while a hundred clients sign in at the same moment with the right password.

    python -m bench.accounts [--clients 100] [--times 40]
"""

import argparse
import asyncio
import os
import secrets
import statistics
import sys
import tempfile
import time
import urllib.parse
from collections import Counter
from pathlib import Path

from bench import servers
from bench.load import Connection
from bench.shop import USER, Shop
from bench.tables import publish, say

WANTED_MS, GIVE_MS = 23.0, 15.0
WANTED_MB = 64.0
_SAMPLE_S = 0.002
_EXPECTED = {200, 429, 503}


def main() -> int:
    """Measure, print and write the figures; 1 when something wanted was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--times", type=int, default=40)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="etalon-accounts-") as folder:
        shop = Shop(Path(folder))
        request = _prepare(shop)
        api = _service(shop)
        with servers.running([api]):
            flood = asyncio.run(_flood(api, request, asked.clients))
            say("signing in one after the other")
            used_s = api.cpu_s()
            taken = asyncio.run(_one_by_one(api.port, request, asked.times))
            cpu_ms = (api.cpu_s() - used_s) * 1000 / asked.times
    return _report(flood, taken, cpu_ms)


def _prepare(shop: Shop) -> bytes:
    """A migrated database with one account; returns the request that signs it in."""
    shop.key.write_text(secrets.token_hex(32), encoding="utf-8")
    password = secrets.token_urlsafe(18)
    shop.run("core.db", "migrate")
    shop.run("api.accounts", "create", "--username", USER, "--role", "customer", stdin=f"{password}\n")
    form = urllib.parse.urlencode({"username": USER, "password": password}).encode()
    head = "POST /token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    return f"{head}Content-Length: {len(form)}\r\n\r\n".encode() + form


def _service(shop: Shop) -> servers.Server:
    port = servers.free_port()
    environment = shop.environment(SERVING_PORT=str(port), SERVING_LOG_LEVEL="WARNING")
    command = [sys.executable, "-m", "api"]
    return servers.Server("etalon", command, environment, port, "/livez", 200, shop.folder / "api.log")


async def _flood(api: servers.Server, request: bytes, clients: int) -> dict[str, object]:
    """Let them sign in at once, and watch the memory meanwhile."""
    before = resident_mb(api.pid)
    say(f"{clients} clients sign in at once; {before:.0f} MB resident before")
    watch = asyncio.create_task(_highest(api.pid))
    started = time.perf_counter()
    statuses = await asyncio.gather(*(_sign_in(api.port, request) for _ in range(clients)))
    elapsed = time.perf_counter() - started
    await asyncio.sleep(0.2)
    watch.cancel()
    highest = await watch
    return {
        "clients": clients,
        "statuses": {str(status): count for status, count in sorted(Counter(statuses).items())},
        "elapsed_s": round(elapsed, 2),
        "before_mb": round(before, 1),
        "highest_mb": round(highest, 1),
        "more_mb": round(highest - before, 1),
    }


async def _highest(pid: int) -> float:
    highest = 0.0
    try:
        while True:
            highest = max(highest, resident_mb(pid))
            await asyncio.sleep(_SAMPLE_S)
    except asyncio.CancelledError:
        return max(highest, resident_mb(pid))


def resident_mb(pid: int) -> float:
    """Megabytes (of 1,048,576 bytes) of a process that are resident now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def _sign_in(port: int, request: bytes) -> int:
    connection = Connection(port)
    try:
        status, _ = await connection.ask(request)
    except (OSError, EOFError):
        return 0
    finally:
        connection.close()
    return status


async def _one_by_one(port: int, request: bytes, times: int) -> list[float]:
    """Milliseconds of each, on one connection."""
    connection, taken = Connection(port), []
    for _ in range(times):
        started = time.perf_counter()
        status, _body = await connection.ask(request)
        taken.append((time.perf_counter() - started) * 1000)
        if status != 200:
            raise RuntimeError(f"a sign-in was answered {status}")
    connection.close()
    return taken


def _report(flood: dict[str, object], taken: list[float], cpu_ms: float) -> int:
    median = statistics.median(taken)
    spread = f"{min(taken):.1f} to {max(taken):.1f}, {len(taken)} one after the other"
    print(f"a sign-in takes {median:.1f} ms  ({spread}), {cpu_ms:.1f} ms of a core")
    print(f"{flood['clients']} at once: {flood['statuses']} in {flood['elapsed_s']} s, {flood['more_mb']} MB more")
    statuses = {int(status) for status in flood["statuses"]}
    wanted = {
        f"a sign-in within {WANTED_MS:.0f} ± {GIVE_MS:.0f} ms: {median:.1f} ms": abs(median - WANTED_MS) <= GIVE_MS,
        f"at most {WANTED_MB:.0f} MB more: {flood['more_mb']} MB": float(str(flood["more_mb"])) <= WANTED_MB,
        f"none fails but by 429 or 503: {sorted(statuses)}": statuses <= _EXPECTED,
    }
    return publish("accounts", {"median_ms": round(median, 2), "cpu_ms": round(cpu_ms, 2), "flood": flood}, wanted)


if __name__ == "__main__":
    sys.exit(main())
