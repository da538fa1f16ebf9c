"""Figures on a port of their own: what is asked and refused, what models say, what people decide, what waits."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from api.app import create_app
from api.metrics.instruments import WORKERS_FOLDER, Instruments
from api.metrics.listener import MetricsListener, figures_of_process, figures_of_workers, forget_worker
from api.settings import ServiceSettings
from core.db.models import Prediction, Verdict
from core.db.repositories import quality, store_checks
from core.db.repositories.quality import Reading
from core.db.session import make_engine, make_readers
from core.domain.product import Product
from core.domain.watch import Finding, Watched
from core.settings import DatabaseSettings
from core.stages import stages_told_to
from inference.model import EncoderPool, ServedModel
from preprocessing.images import sanitise
from tests.conftest import ROOT
from tests.integration.api.packaged import write_tiny_model
from tests.integration.api.toys import Service, ToyModel


@pytest.fixture
def scrape(service: Service) -> Iterator[Callable[[], dict[str, float]]]:
    parts = service.app.state.parts
    listener = MetricsListener(figures_of_process(parts.instruments, parts.readers), "127.0.0.1", 0)
    port = listener.start()
    yield lambda: figures(port)
    listener.stop()


def figures(port: int) -> dict[str, float]:
    """Every sample by its name and its labels' values, in the order of the labels' names."""
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
    with service.app.state.parts.sessions.begin() as session:
        session.get_one(Prediction, made).second_opinion = True
    service.predict(customer)
    found = scrape()
    assert {name.split()[1]: value for name, value in found.items() if name.startswith("etalon_predictions ")} == {
        "pending": 1,
        "validated": 2,
        "rejected": 1,
        "ingested": 0,
        "archived": 0,
        "retracted": 0,
    }
    assert found["etalon_outbox_waiting"] == 2
    assert found["etalon_archive_waiting"] == 1
    assert found["etalon_second_opinions_waiting"] == 1
    assert found["etalon_archive_oldest_age_seconds"] > 0
    assert found["etalon_outbox_oldest_age_seconds"] > 0
    assert found["etalon_database_up"] == 1


def test_the_documents_name_every_figure_and_no_other(service: Service, customer: dict[str, str]) -> None:
    parts = service.app.state.parts
    with parts.sessions.begin() as session:
        store_checks.record(session, complete=True, manifest=4, broken=[])
        low = Reading(Watched.ACCURACY, None, 200, "1", 0.55, 0.7, Finding.ALARM, {}, low=0.48, high=0.62)
        quality.record(session, "run", low)
    service.predict(customer)
    listener = MetricsListener(figures_of_process(parts.instruments, parts.readers), "127.0.0.1", 0)
    try:
        answer = httpx.get(f"http://127.0.0.1:{listener.start()}/metrics")
    finally:
        listener.stop()
    kinds = re.findall(r"^# TYPE (etalon_\w+) (\w+)$", answer.text, re.MULTILINE)
    told = {name for name, _ in kinds if not name.endswith("_created")}
    table = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8").partition("### What to be woken by")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `etalon_")]
    assert set(re.findall(r"etalon_\w+", " ".join(rows))) == told


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


def test_requests_are_counted_by_template_method_and_status(
    service: Service, customer: dict[str, str], scrape: Callable[[], dict[str, float]]
) -> None:
    made = service.predict(customer)["id"]
    for path in (f"/predictions/{made}", "/predictions/01a1fe4f-0000-7000-8000-000000000000", "/no/such/path"):
        service.http.get(path, headers=customer)
    service.http.request("BREW", "/predict")
    found = scrape()
    assert found["etalon_http_requests_total POST /predict 201"] == 1
    assert found["etalon_http_requests_total GET /predictions/{prediction_id} 200"] == 1
    assert found["etalon_http_requests_total GET /predictions/{prediction_id} 404"] == 1
    assert found["etalon_http_requests_total GET none 404"] == 1
    assert not any("BREW" in name or made in name for name in found)
    assert found["etalon_http_request_seconds_count POST /predict"] == 1
    assert found["etalon_http_request_seconds_sum POST /predict"] > 0
    assert found["etalon_http_in_flight"] == 0


def test_refusals_are_counted_by_their_code(
    service: Service, customer: dict[str, str], scrape: Callable[[], dict[str, float]]
) -> None:
    for _ in range(2):
        refused = service.http.post("/token", data={"username": "carla", "password": "not hers at all"})
    wrong = service.http.post("/predict", data={"designation": "a", "model": "none-such"}, headers=customer)
    found = scrape()
    assert found[f"etalon_problems_total {refused.json()['code']}"] == 2
    assert wrong.json()["code"] == "model.unknown"
    assert found["etalon_problems_total model.unknown"] == 1


def test_confidence_is_told_by_model_version_and_class_and_stages_by_name(
    service: Service, customer: dict[str, str], photo: bytes, scrape: Callable[[], dict[str, float]]
) -> None:
    for title, key in (("a book", "one"), ("a book", "one"), ("board game", "two")):
        headers = {**customer, "Idempotency-Key": key}
        service.http.post("/predict", data={"designation": title}, files={"image": photo}, headers=headers)
    found = scrape()
    version = "1" * 12
    assert found[f"etalon_prediction_confidence_count fusion 10 {version}"] == 1  # the repeated one is no second
    assert found[f"etalon_prediction_confidence_count fusion 40 {version}"] == 1
    assert found[f"etalon_prediction_confidence_bucket 0.6 fusion 40 {version}"] == 1
    assert found[f"etalon_prediction_confidence_bucket 0.5 fusion 40 {version}"] == 0
    assert found["etalon_stage_seconds_count store"] == 2
    assert found["etalon_stage_seconds_count decode"] == 2


def test_a_real_model_tells_the_stages_that_the_documents_name(tmp_path: Path, photo: bytes) -> None:
    clean = sanitise(photo, max_bytes=10**6, max_pixels=10**6).data
    sha = write_tiny_model(tmp_path, clean)
    model = ServedModel.load(tmp_path, sha, encoders=EncoderPool(tmp_path, 1))
    told: list[str] = []
    with stages_told_to(lambda stage, seconds: told.append(stage)):
        model.predict([Product("a book", None, clean)])
    assert told == ["appearance", "heads", "fusion"]


def test_the_epoch_that_answers_stands_beside_the_ledgers_and_refused_releases_are_counted(
    service: Service, customer: dict[str, str], scrape: Callable[[], dict[str, float]]
) -> None:
    service.predict(customer)
    service.broken.add("2" * 64)
    service.promote("2" * 64)
    service.poll()
    found = scrape()
    assert (found["etalon_epoch_served"], found["etalon_epoch_ledger"]) == (1, 2)
    assert found["etalon_release_refusals_total package.corrupt"] == 1
    for sha in ("3", "4"):
        service.promote(sha * 64)
        service.poll()
    found = scrape()
    assert (found["etalon_epoch_served"], found["etalon_epoch_ledger"]) == (4, 4)
    assert not any(
        name.startswith("etalon_prediction_confidence_count") for name in found
    )  # the model that is not loaded any more has left the figures


def test_verdicts_are_counted_from_the_database_also_after_a_restart(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], scrape: Callable[[], dict[str, float]]
) -> None:
    def decide(**body: object) -> str:
        made = service.predict(customer, "a book")["id"]
        answer = service.http.post(f"/predictions/{made}/validate", json=body, headers=reviewer)
        assert answer.status_code == 200, answer.text
        return made

    decide(accept=True)
    decide(accept=True, prdtypecode=40)
    decide(accept=False)
    assert decided(scrape()) == {"validate true": 1, "validate false": 1, "reject true": 1}
    parts = service.app.state.parts
    with parts.sessions.begin() as session:  # a day later, these are settled
        for verdict in session.query(Verdict):
            verdict.decided_at -= timedelta(days=1)
    assert decided(scrape()) == {"validate true": 1, "validate false": 1, "reject true": 1}
    undone = decide(accept=True)
    service.http.post(f"/predictions/{undone}/undo", json={}, headers=reviewer)
    expected = {"validate true": 2, "validate false": 1, "reject true": 1, "undo true": 1}
    assert decided(scrape()) == expected
    restarted = MetricsListener(figures_of_process(Instruments(), parts.readers), "127.0.0.1", 0)
    try:
        assert decided(figures(restarted.start())) == expected
    finally:
        restarted.stop()


def decided(found: dict[str, float]) -> dict[str, float]:
    name = "etalon_verdicts_total "
    return {key.removeprefix(name): value for key, value in found.items() if key.startswith(name)}


WORKER = """
import sys
from api.metrics.instruments import Instruments
instruments = Instruments()
for _ in range(int(sys.argv[1])):
    instruments.request("GET", "/livez", "200", 0.001)
instruments.in_flight.inc()
instruments.served(int(sys.argv[2]))
instruments.forget("0" * 64)
print("counted", flush=True)
sys.stdin.read()
"""


def test_the_figures_of_several_workers_add_up_and_a_dead_one_leaves_its_counts(
    service: Service, tmp_path: Path
) -> None:
    folder = tmp_path / "figures"
    folder.mkdir()
    environment = {**os.environ, WORKERS_FOLDER: str(folder)}
    with ExitStack() as running:
        workers = [
            running.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", WORKER, count, epoch],
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            )
            for count, epoch in (("3", "7"), ("4", "8"))
        ]
        assert all(worker.stdout.readline() == b"counted\n" for worker in workers)
        listener = MetricsListener(figures_of_workers(str(folder), service.app.state.parts.readers), "127.0.0.1", 0)
        port = listener.start()
        running.callback(listener.stop)
        found = figures(port)
        assert found["etalon_http_requests_total GET /livez 200"] == 7
        assert (found["etalon_predictions_in_flight"], found["etalon_epoch_served"]) == (2, 7)
        assert found["etalon_database_up"] == 1
        workers[0].communicate()
        forget_worker(workers[0].pid, str(folder))
        found = figures(port)
        assert found["etalon_http_requests_total GET /livez 200"] == 7
        assert (found["etalon_predictions_in_flight"], found["etalon_epoch_served"]) == (1, 8)
        workers[1].communicate()
