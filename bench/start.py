"""From starting ``python -m api`` to its first answered prediction: a photo with its title, nothing warmed up.

The file cache is warm, as after a restart of the process on a running machine. A client asks every 20 ms from the
first moment; the clock stops when the answer is complete.

    python -m bench.start [--starts 5]
"""

import argparse
import asyncio
import statistics
import sys
import time

from bench import servers
from bench.http import memory_of
from bench.shop import Shop, ready_shop
from bench.tables import publish, say

WANTED_S = 5.0
_LONGEST_S = 120.0


def main() -> int:
    """Measure, print a table and a JSON line; 1 when the median start is too slow."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=5)
    starts = parser.parse_args().starts
    shop = ready_shop()
    with shop.opened() as folder:
        api = servers.our_api(Shop(folder))
        with servers.running([api]):
            bearer = {"Authorization": f"Bearer {servers.sign_in(api.port, folder)}"}
        requests = [servers.form_request("/predict", product, bearer) for product in shop.products()[: starts + 1]]
        taken, memory = [], {}
        for number, request in enumerate(requests[1:], start=1):
            taken.append(_start(api, request))
            memory = memory_of(api.pid)
            api.stop()
            say(f"start {number} of {starts}: {taken[-1]:.2f} s")
    median = statistics.median(taken)
    spread = f"{min(taken):.2f} to {max(taken):.2f}"
    print(f"first answer after {median:.2f} s  ({spread}), {memory['rss_mb']} MB resident then")
    facts = {"seconds": [round(one, 3) for one in taken], "median_s": round(median, 3), "memory_then": memory}
    return publish(
        "start", facts, {f"first answer within {WANTED_S} s of the start: {median:.2f} s": median <= WANTED_S}
    )


def _start(api: servers.Server, request: bytes) -> float:
    started = time.perf_counter()
    api.start()
    while time.perf_counter() - started < _LONGEST_S:
        try:
            status, _ = asyncio.run(servers.ask_once(api.port, request))
        except (OSError, EOFError):
            status = 0
        if status == 201:
            return time.perf_counter() - started
        time.sleep(0.02)
    raise RuntimeError(f"no answer within {_LONGEST_S} s; see {api.log}")


if __name__ == "__main__":
    sys.exit(main())
