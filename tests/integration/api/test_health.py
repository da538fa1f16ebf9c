"""GET /livez, /startupz, /readyz."""

from collections.abc import Callable
from pathlib import Path

from tests.integration.api.toys import Service, problem


def test_a_whole_service_is_alive_started_and_ready(service: Service) -> None:
    assert [service.http.get(path).status_code for path in ("/livez", "/startupz", "/readyz")] == [200] * 3
    assert service.http.get("/readyz").json()["checks"] == {
        "database": "ok",
        "disk": "ok",
        "taxonomy": "ok",
        "champion": "ok",
    }


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
