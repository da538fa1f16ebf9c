"""Which ports a system listens on."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from local.ports import NoFreePort, Ports, choose_ports, is_free


def test_the_usual_ports_need_no_notice() -> None:
    assert choose_ports({}, free=lambda port: True) == (Ports(api=8000, airflow=8080, mlflow=5000), [])


def test_ports_can_be_asked_for() -> None:
    names = ("SERVING_PORT", "AIRFLOW_PORT", "MLFLOW_PORT", "SERVING_METRICS_PORT")
    asked = {name: str(9001 + place) for place, name in enumerate(names)}
    ports, _ = choose_ports(asked, lambda port: True)
    assert ports == Ports(api=9001, airflow=9002, mlflow=9003, metrics=9004)


def test_the_ports_of_a_system_from_before_it_had_figures_are_read(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text('{"api": 1, "airflow": 2, "mlflow": 3}')
    assert Ports.load(tmp_path / "ports.json").api == 1


def test_a_taken_port_is_named_and_another_offered() -> None:
    ports, notices = choose_ports({}, free=lambda port: port not in (8000, 8001))
    assert ports.api == 8002
    assert len(notices) == 1
    assert "port 8000 is taken" in notices[0]
    assert "8002" in notices[0]
    assert "SERVING_PORT" in notices[0]


def test_one_system_never_gets_a_port_twice() -> None:
    ports, _ = choose_ports({"SERVING_PORT": "8080"}, free=lambda port: True)
    assert (ports.api, ports.airflow) == (8080, 8081)


def test_no_free_port_names_the_variable_to_set() -> None:
    with pytest.raises(NoFreePort, match="SERVING_PORT"):
        choose_ports({}, free=lambda port: False)


@pytest.mark.parametrize("text", ["http", "0", "65536", "-1", "8000.0"])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="MLFLOW_PORT"):
        choose_ports({"MLFLOW_PORT": text}, free=lambda port: True)


def test_a_port_somebody_listens_on_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not is_free(server.getsockname()[1])


def test_two_systems_that_start_together_choose_different_ports() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    wish = {"SERVING_PORT": str(port)}
    script = f"import sys; from local.ports import choose_ports; print(choose_ports({wish})[0].api); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert int(other.stdout.readline()) == port
        assert choose_ports(wish)[0].api != port
        other.communicate()
    assert choose_ports(wish)[0].api == port


def test_ports_are_remembered_for_status(tmp_path: Path) -> None:
    ports = Ports(api=1, airflow=2, mlflow=3)
    ports.save(tmp_path / "ports.json")
    assert Ports.load(tmp_path / "ports.json") == ports
