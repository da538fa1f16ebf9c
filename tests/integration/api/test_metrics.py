"""Figures on a port of their own: what the newest check found, where predictions stand, what waits."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import replace

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from api.app import create_app
from api.metrics.instruments import Instruments
from api.metrics.listener import MetricsListener, figures_of_process
from api.settings import ServiceSettings
from core.db.repositories import store_checks
from core.db.session import make_engine, make_readers
from core.settings import DatabaseSettings
from tests.integration.api.toys import Service, ToyModel


@pytest.fixture
def scrape(service: Service) -> Iterator[Callable[[], dict[str, float]]]:
    parts = service.app.state.parts
    listener = MetricsListener(figures_of_process(parts.instruments, parts.readers), "127.0.0.1", 0)
    port = listener.start()
    yield lambda: figures(port)
    listener.stop()


def figures(port: int) -> dict[str, float]:
    """Every sample by its name and label."""
    answer = httpx.get(f"http://127.0.0.1:{port}/metrics")
    assert answer.status_code == 200
    samples = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
    return {" ".join([sample.name, *sample.labels.values()]): sample.value for sample in samples}


def test_what_the_newest_check_found(service: Service, scrape: Callable[[], dict[str, float]]) -> None:
    assert not any(name.startswith("etalon_fsck") for name in scrape())
    with service.app.state.parts.sessions.begin() as session:
        store_checks.record(session, complete=False, manifest=3, broken=["I1"])
    with service.app.state.parts.sessions.begin() as session:
        store_checks.record(session, complete=True, manifest=4, broken=["I5", "I2", "I5"])
    found = scrape()
    violations = {name.split()[1]: value for name, value in found.items() if name.startswith("etalon_fsck_violations")}
    assert violations == {f"I{n}": {5: 2.0, 2: 1.0}.get(n, 0.0) for n in range(1, 10)}
    assert (found["etalon_fsck_manifest"], found["etalon_fsck_full"]) == (4, 1)
    assert 0 <= found["etalon_fsck_age_seconds"] < 3600


def test_where_predictions_stand_and_what_waits(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], scrape: Callable[[], dict[str, float]]
) -> None:
    before = scrape()
    assert (before["etalon_outbox_waiting"], before["etalon_outbox_oldest_age_seconds"]) == (0, 0)
    for accept in (True, True, False):
        made = service.predict(customer)["id"]
        service.http.post(f"/predictions/{made}/validate", json={"accept": accept}, headers=reviewer)
    service.predict(customer)
    found = scrape()
    assert {name.split()[1]: value for name, value in found.items() if name.startswith("etalon_predictions")} == {
        "pending": 1,
        "validated": 2,
        "rejected": 1,
        "ingested": 0,
        "archived": 0,
        "retracted": 0,
    }
    assert found["etalon_outbox_waiting"] == 2
    assert found["etalon_outbox_oldest_age_seconds"] > 0
    assert found["etalon_database_up"] == 1


def test_a_database_that_is_away_is_a_figure_and_no_error() -> None:
    away = make_engine(DatabaseSettings(url="mysql+pymysql://nobody:x@127.0.0.1:1/none"))
    listener = MetricsListener(figures_of_process(Instruments(), make_readers(away)), "127.0.0.1", 0)
    try:
        found = figures(listener.start())
        assert found["etalon_database_up"] == 0
        assert "etalon_epoch_ledger" not in found
    finally:
        listener.stop()
        away.dispose()


def test_the_service_listens_where_the_settings_say_and_not_on_its_own_port(
    settings: ServiceSettings, start: Callable[..., Service]
) -> None:
    assert start().http.get("/metrics").status_code == 404
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    serving = settings.serving.model_copy(update={"metrics_port": port})
    with TestClient(create_app(replace(settings, serving=serving), load_model=ToyModel)):
        assert figures(port)["etalon_database_up"] == 1
    with pytest.raises(httpx.ConnectError):
        figures(port)
