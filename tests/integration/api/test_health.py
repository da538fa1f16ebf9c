"""GET /livez, /startupz, /readyz."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import httpx
import pytest

from api.decoding import DecoderDown, DecodersBusy
from api.health import service as health
from api.health.scheduler import Scheduler
from api.health.watch import STUCK, Watch
from inference.golden import GoldenMismatch
from tests.integration.api.toys import InProcess, Service, ToyModel, problem
from tests.integration.conftest import same_on_any_database


def test_a_whole_service_is_alive_started_and_ready(service: Service) -> None:
    assert [service.http.get(path).status_code for path in ("/livez", "/startupz", "/readyz")] == [200] * 3
    ready = service.http.get("/readyz").json()
    looked_at = ("database", "disk", "taxonomy", "champion", "golden", "decoder")
    assert ready["checks"] == dict.fromkeys(looked_at, "ok")
    assert ready["reports"] == {"scheduler": "not configured"}


def test_without_a_release_it_is_alive_and_started_but_not_ready(start: Callable[..., Service]) -> None:
    service = start(released=False)
    assert [service.http.get(path).status_code for path in ("/livez", "/startupz")] == [200] * 2
    answer = service.http.get("/readyz")
    assert answer.status_code == 503
    assert problem(answer)["detail"] == "champion: model.none_released"


def test_without_its_database_it_is_alive_but_not_ready(service: Service, lose_database: Callable[[], None]) -> None:
    service.app.state.parts.database.dispose()
    lose_database()
    answer = service.http.get("/readyz")
    assert answer.status_code == 503
    assert problem(answer)["detail"] == "database: OperationalError"
    assert service.http.get("/livez").status_code == 200


def test_without_a_disk_it_is_not_ready(service: Service, tmp_path: Path) -> None:
    (tmp_path / "var").rename(tmp_path / "gone")
    answer = service.http.get("/readyz")
    assert answer.status_code == 503
    assert "disk: FileNotFoundError" in problem(answer)["detail"]
    assert str(tmp_path) not in answer.text


@same_on_any_database
def test_without_room_on_its_disk_it_is_not_ready(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_MIN_FREE_BYTES", 2**62)
    assert problem(service.http.get("/readyz"))["detail"] == "disk: storage.full"


@same_on_any_database
def test_a_champion_that_answers_otherwise_than_it_did_is_not_ready(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def differ(self: ToyModel) -> None:
        raise GoldenMismatch("model", 0.5, 0.001)

    monkeypatch.setattr(ToyModel, "check", differ)
    assert problem(service.http.get("/readyz"))["detail"] == "golden: package.golden_mismatch"


@same_on_any_database
@pytest.mark.parametrize(("error", "status"), [(DecoderDown, 503), (DecodersBusy, 200)])
def test_decoders_that_are_down_make_it_not_ready_and_busy_ones_do_not(
    service: Service, monkeypatch: pytest.MonkeyPatch, error: type[Exception], status: int
) -> None:
    def fail(self: InProcess, upload: bytes) -> None:
        raise error

    monkeypatch.setattr(InProcess, "decode", fail)
    assert service.http.get("/readyz").status_code == status


@same_on_any_database
def test_a_service_that_is_about_to_end_is_alive_but_not_ready(service: Service) -> None:
    assert service.http.get("/readyz").status_code == 200
    service.app.state.parts.drain.begin()
    assert problem(service.http.get("/readyz"))["code"] == "service.draining"
    assert service.http.get("/livez").status_code == 200


@same_on_any_database
def test_a_check_that_hangs_holds_no_request_up(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_PATIENCE_S", 0.2)
    ended = Event()
    monkeypatch.setattr(service.app.state.parts.health, "_check", ended.wait)
    with ThreadPoolExecutor(8) as probes:
        began = time.monotonic()
        answers = list(probes.map(lambda _: service.http.get("/readyz"), range(8)))
    assert time.monotonic() - began < 5
    assert {problem(answer)["detail"] for answer in answers} == {"checks: no answer yet"}
    assert service.http.get("/livez").status_code == 200
    ended.set()


@same_on_any_database
def test_however_often_it_is_asked_it_looks_twice_a_second(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    checks = {"disk": lambda: looks.append(1) or "ok"}
    monkeypatch.setattr(service.app.state.parts.health, "_checks", checks)
    began = time.monotonic()
    for _ in range(50):
        assert service.http.get("/readyz").status_code == 200
    assert 1 <= len(looks) <= 1 + (time.monotonic() - began) / 0.5


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(200, json={"scheduler": {"status": "healthy"}}), "healthy"),
        (httpx.Response(200, json={"scheduler": {"status": "unhealthy"}}), "unhealthy"),
        (httpx.Response(200, json={"scheduler": {"status": "s3ntinel"}}), "unknown"),
        (httpx.Response(200, json=[]), "unknown"),
        (httpx.Response(200, text="<html>"), "unknown"),
        (httpx.Response(502), "unreachable"),
        (httpx.ReadTimeout("slow"), "unreachable"),
    ],
    ids=str,
)
def test_what_is_reported_of_the_scheduler(answer: httpx.Response | Exception, said: str) -> None:
    def give(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/api/v2/monitor/health"
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert Scheduler("http://airflow", httpx.MockTransport(give)).look() == said


@same_on_any_database
def test_a_scheduler_that_is_down_is_reported_and_the_service_is_ready(service: Service) -> None:
    service.app.state.parts.health._reports = {"scheduler": Scheduler("http://127.0.0.1:9").look}
    ready = service.http.get("/readyz")
    assert (ready.status_code, ready.json()["reports"]) == (200, {"scheduler": "unreachable"})


def test_a_look_is_waited_for_once_and_then_taken_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, looks = Event(), []

    def look() -> str:
        looks.append(1)
        if len(looks) > 1:
            go_on.wait()
        return str(len(looks))

    watch = Watch(look, every_s=0)
    assert [watch.outcome() for _ in range(3)] == ["1", "1", "1"]
    monkeypatch.setattr("api.health.watch._STUCK_S", 0)
    assert watch.outcome() == STUCK
    go_on.set()
    while watch.outcome() != "2":
        time.sleep(0.001)
