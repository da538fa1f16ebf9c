"""The programs of one system and how to tell that each is well."""

import sys
from dataclasses import dataclass

from local.ports import Ports
from local.state import State

SCHEDULER = "airflow-scheduler"


@dataclass(frozen=True, slots=True)
class Program:
    """One supervised process.

    Attributes:
        name: also the name of its log file.
        command: executable and arguments.
        address: what a person opens, or "".
        health: URL that answers 200 when the program is well.
        component: key of ``health``'s JSON answer whose ``status`` must be ``healthy``, or None.
        starts_alone: False for a program that somebody will start later.
        after: URL that must answer before the program is started, or "".
    """

    name: str
    command: tuple[str, ...]
    address: str = ""
    health: str = ""
    component: str | None = None
    starts_alone: bool = True
    after: str = ""


def make_programs(state: State, ports: Ports) -> list[Program]:
    """MLflow, the HTTP service and Airflow's four parts, in the order of their start."""
    airflow_health = f"{ports.airflow_url}/api/v2/monitor/health"
    return [
        Program("mlflow", _mlflow_server(state, ports), ports.mlflow_url, f"{ports.mlflow_url}/health"),
        Program(
            "airflow-apiserver",
            _airflow("api-server", "--host", "127.0.0.1", "--port", str(ports.airflow)),
            ports.airflow_url,
            airflow_health,
            "metadatabase",
        ),
        Program(
            SCHEDULER,
            _airflow("scheduler", "--skip-serve-logs"),
            health=airflow_health,
            component="scheduler",
            after=airflow_health,
        ),
        Program("airflow-dagprocessor", _airflow("dag-processor"), "", airflow_health, "dag_processor"),
        Program("airflow-triggerer", _airflow("triggerer", "--skip-serve-logs"), "", airflow_health, "triggerer"),
        Program("api", (sys.executable, "-m", "api"), f"{ports.api_url}/", f"{ports.api_url}/readyz"),
    ]


def _airflow(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "airflow", *arguments)


def _mlflow_server(state: State, ports: Ports) -> tuple[str, ...]:
    return (
        *(sys.executable, "-m", "mlflow", "server"),
        *("--host", "127.0.0.1", "--port", str(ports.mlflow), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{state.mlflow / 'mlflow.db'}"),
        *("--artifacts-destination", str(state.mlflow / "artifacts")),
        *("--allowed-hosts", f"127.0.0.1:{ports.mlflow},localhost:{ports.mlflow}"),
    )
