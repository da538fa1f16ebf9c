"""One migrated Airflow home for all tests of this folder; Airflow runs in processes of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def airflow_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a fresh Airflow with its metadata in a temporary folder."""
    home = tmp_path_factory.mktemp("airflow")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON", "LOOP_"))}
    environment = kept | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    }
    migrate = [sys.executable, "-m", "airflow", "db", "migrate"]
    subprocess.run(migrate, env=environment, check=True, capture_output=True, timeout=120)
    return environment


@pytest.fixture(scope="session")
def in_airflow(airflow_environment: dict[str, str]) -> Callable[..., str]:
    """Runs a script of this folder against the DAG folder and returns what it printed."""

    def run(script: str, *arguments: str, **variables: str) -> str:
        done = subprocess.run(
            [sys.executable, str(HERE / script), str(ROOT / "dags"), *arguments],
            env=airflow_environment | variables,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def folder(in_airflow: Callable[..., str]) -> dict[str, Any]:
    """The DAG folder as Airflow's own loader sees it, where people are to be told of failures."""
    told = {"LOOP_ALERT_EMAIL": "ops@example.org", "LOOP_ALERT_WEBHOOK": "http://127.0.0.1:9/hook"}
    return json.loads(in_airflow("describe_dags.py", **told).splitlines()[-1])
