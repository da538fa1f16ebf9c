"""One real system for the whole tier: the demonstration, left running at its end."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from client import EtalonClient
from local.orchestrator import Orchestrator
from local.processes import marked
from local.secrets import AIRFLOW_ADMIN, AIRFLOW_WAKER
from local.system import System
from tests.conftest import ROOT

PRODUCTS = 420  # of the generated catalogue; as many arrive: enough for a gain that the gate can see


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The state's folder and the report of a demonstration that left its processes running."""
    root = tmp_path_factory.mktemp("loop") / "state"
    report = root.parent / "report.json"
    options = ("--limit", str(PRODUCTS), "--keep", "--report", str(report), "--state", str(root))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    try:
        ended = subprocess.run([sys.executable, "-m", "local", "demo", *options], cwd=ROOT, env=clean, check=False)
        assert ended.returncode == 0, "the demonstration failed; its own output above says where and what to do"
        yield root, json.loads(report.read_text(encoding="utf-8"))
    finally:
        subprocess.run([sys.executable, "-m", "local", "down", "--state", str(root)], cwd=ROOT, check=False)
        assert marked(root.resolve()) == []


@pytest.fixture(scope="session")
def report(demonstration: tuple[Path, dict[str, Any]]) -> dict[str, Any]:
    """What the demonstration found."""
    return demonstration[1]


@pytest.fixture(scope="session")
def system(demonstration: tuple[Path, dict[str, Any]]) -> System:
    """The running system."""
    return System.existing(demonstration[0])


@pytest.fixture(scope="session")
def customer(system: System) -> Iterator[EtalonClient]:
    """A signed-in seller."""
    with EtalonClient(system.ports.api_url, "customer", system.secrets.password("customer")) as client:
        yield client


@pytest.fixture(scope="session")
def reviewer(system: System) -> Iterator[EtalonClient]:
    """A signed-in reviewer."""
    with EtalonClient(system.ports.api_url, "reviewer", system.secrets.password("reviewer")) as client:
        yield client


@pytest.fixture
def orchestrator(system: System) -> Iterator[Orchestrator]:
    """A signed-in reader of Airflow."""
    password = system.secrets.airflow_password(AIRFLOW_WAKER)
    with Orchestrator(system.ports.airflow_url, AIRFLOW_WAKER, password) as reader:
        yield reader


@pytest.fixture
def trigger(system: System) -> Callable[[str], str]:
    """Starts a run of a DAG as a person would in Airflow's pages; returns its id."""

    def start(dag_id: str) -> str:
        login = {"username": AIRFLOW_ADMIN, "password": system.secrets.airflow_password(AIRFLOW_ADMIN)}
        with httpx.Client(base_url=system.ports.airflow_url, timeout=30) as http:
            token = http.post("/auth/token", json=login).raise_for_status().json()["access_token"]
            bearer = {"authorization": f"Bearer {token}"}
            asked = http.post(f"/api/v2/dags/{dag_id}/dagRuns", json={"logical_date": None}, headers=bearer)
            return str(asked.raise_for_status().json()["dag_run_id"])

    return start
