"""The figures of a service of two processes: added up, and none lost when one of them dies."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from client import EtalonClient
from core.settings import DatabaseSettings
from tests.api.service import Etalon, free_port
from tests.integration.conftest import same_on_any_database

pytestmark = same_on_any_database


@pytest.fixture
def metrics_port() -> int:
    return free_port()


@pytest.fixture
def etalon(tmp_path: Path, database: DatabaseSettings, photo: bytes, metrics_port: int) -> Iterator[Etalon]:
    changes = {"SERVING_WORKERS": "2", "SERVING_METRICS_PORT": str(metrics_port)}
    with Etalon(tmp_path, database, photo, changes) as place:
        yield place


def sums(port: int) -> dict[str, float]:
    """Every sample's name with the sum over its labels."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(httpx.get(f"http://127.0.0.1:{port}/metrics").text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0.0) + sample.value
    return found


def workers(etalon: Etalon) -> list[int]:
    lines = [json.loads(line) for line in etalon.log.read_text(encoding="utf-8").splitlines()]
    return [line["worker"] for line in lines if line["event"] == "worker.started"]


def test_two_workers_figures_add_up_and_outlive_one_of_them(etalon: Etalon, metrics_port: int) -> None:
    caller = etalon.hire("customer")
    token = caller.headers["Authorization"].removeprefix("Bearer ")
    for number in range(12):
        # A connection each, so that both of them get some; one that has no model yet says so, and is asked again.
        with EtalonClient(etalon.url, api_key=token) as client:
            client.predict(f"a book {number}")
    before = sums(metrics_port)
    assert before["etalon_prediction_confidence_count"] == 12
    assert before["etalon_epoch_served"] == before["etalon_epoch_ledger"] == 1
    assert before["etalon_predictions_in_flight"] == 0

    first, second = workers(etalon)
    os.kill(first, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while len(workers(etalon)) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(workers(etalon)) == 3
    with EtalonClient(etalon.url, api_key=token) as client:
        client.predict("a book")
    after = sums(metrics_port)
    assert after["etalon_prediction_confidence_count"] == 13
    assert after["etalon_http_requests_total"] >= before["etalon_http_requests_total"] + 1
    assert second in workers(etalon)
