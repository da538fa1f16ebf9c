"""Percentiles of requests that were counted in buckets."""

import math

import pytest

from api.metrics.instruments import Instruments
from api.metrics.latency import group_of, latencies, quantile

INF = math.inf


def test_half_of_the_requests_lie_in_the_middle_of_their_bucket() -> None:
    counts = {0.1: 0, 0.2: 100, INF: 100}
    assert quantile(0.5, counts) == pytest.approx(0.15)
    assert quantile(0.99, counts) == pytest.approx(0.199)


def test_of_the_slowest_only_the_largest_bound_is_known() -> None:
    assert quantile(0.99, {1.0: 50, 60.0: 50, INF: 100}) == 60.0


def test_requests_of_one_kind_are_counted_together() -> None:
    one, other = {0.1: 3.0, INF: 3.0}, {0.1: 0.0, 0.2: 1.0, INF: 1.0}
    (found,) = latencies([("POST", "/predictions/{prediction_id}/validate", one), ("GET", "/review/next", other)])
    assert (found.group, found.requests) == ("review", 4)
    assert found.p50_s < 0.1 < found.p99_s


@pytest.mark.parametrize(
    ("method", "route", "group"),
    [
        ("POST", "/predict", "predict"),
        ("PATCH", "/predictions/{prediction_id}", "review"),
        ("GET", "/predictions", "products"),
        ("POST", "/token", "sign_in"),
        ("GET", "/models", "other"),
        ("GET", "/readyz", None),
        ("GET", "/static", None),
    ],
)
def test_a_request_belongs_to_what_it_is_about(method: str, route: str, group: str | None) -> None:
    assert group_of(method, route) == group


def test_what_the_instruments_counted_is_told() -> None:
    instruments = Instruments()
    for seconds in (0.02, 0.03, 0.2):
        instruments.request("POST", "/predict", "201", seconds)
    (found,) = latencies(instruments.request_times())
    assert (found.group, found.requests) == ("predict", 3)
    assert 0.01 <= found.p50_s <= 0.05
    assert found.p99_s <= 0.25
