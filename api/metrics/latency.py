"""How long this process has taken to answer, by what was asked of it; read from its own instruments."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

PERCENTILES = (0.5, 0.95, 0.99)
_PROBES = frozenset({"/livez", "/readyz", "/startupz", "none"})
_FILES = ("/static", "/docs")

Buckets = Mapping[float, float]
"""How many requests took at most so many seconds, by that bound; the last bound is infinite."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Requests of one group and the seconds in which half, 95 % and 99 % of them were answered."""

    group: str
    requests: int
    p50_s: float
    p95_s: float
    p99_s: float


def latencies(requests: Iterable[tuple[str, str, Buckets]]) -> list[Latency]:
    """The groups that were asked for anything, the most asked first.

    Args:
        requests: method, route and how many requests took how long.
    """
    grouped: dict[str, dict[float, float]] = {}
    for method, route, buckets in requests:
        group = group_of(method, route)
        if group is not None:
            counts = grouped.setdefault(group, {})
            for bound, count in buckets.items():
                counts[bound] = counts.get(bound, 0.0) + count
    found = [_latency(group, counts) for group, counts in grouped.items() if max(counts.values(), default=0.0)]
    return sorted(found, key=lambda one: (-one.requests, one.group))


def group_of(method: str, route: str) -> str | None:
    """What a request is about; None for probes and files, which say nothing about the service's work."""
    if route in _PROBES or route.startswith(_FILES):
        return None
    if route == "/predict":
        return "predict"
    if route.startswith("/review") or (route.startswith("/predictions") and method != "GET"):
        return "review"
    if route.startswith("/predictions"):
        return "products"
    if route in {"/token", "/session", "/sign-in"}:
        return "sign_in"
    return "other"


def _latency(group: str, counts: Buckets) -> Latency:
    p50, p95, p99 = (quantile(share, counts) for share in PERCENTILES)
    return Latency(group, int(max(counts.values())), p50, p95, p99)


def quantile(share: float, counts: Buckets) -> float:
    """The bound below which ``share`` of the requests lie, straight between two bounds, in seconds.

    Above the largest finite bound nothing is known but that: it is the answer then.
    """
    wanted = share * max(counts.values())
    below, lower = 0.0, 0.0
    for bound, count in sorted(counts.items()):
        if count >= wanted:
            if bound == float("inf"):
                return lower
            return lower + (bound - lower) * (wanted - below) / (count - below) if count > below else bound
        below, lower = count, bound
    return lower
