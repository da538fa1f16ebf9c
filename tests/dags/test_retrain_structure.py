"""The shape of `retrain`, as Airflow's own loader sees it."""

import itertools
from pathlib import Path
from typing import Any

import pytest

DAGS = Path(__file__).resolve().parents[2] / "dags"
TASKS = ["append", "features", "fit", "judge", "promote"]


@pytest.fixture
def retrain(folder: dict[str, Any]) -> dict[str, Any]:
    return folder["dags"]["retrain"]


def test_the_folder_loads_without_an_error(folder: dict[str, Any]) -> None:
    assert folder["errors"] == {}


def test_parsing_the_dags_imports_no_heavy_library(folder: dict[str, Any]) -> None:
    assert folder["heavy"] == []


def test_retrain_wakes_on_validated_rows_and_every_ten_minutes(retrain: dict[str, Any]) -> None:
    assert retrain["assets"] == ["validated_rows"]
    assert retrain["cron"] == "*/10 * * * *"
    assert retrain["catchup"] is False


def test_one_retraining_runs_at_a_time(retrain: dict[str, Any]) -> None:
    assert retrain["max_active_runs"] == 1


def test_the_jobs_follow_one_another(retrain: dict[str, Any]) -> None:
    assert retrain["edges"] == sorted([*map(list, itertools.pairwise(TASKS)), ["judge", "ask"], ["promote", "ask"]])


def test_every_task_ends_in_time_and_is_tried_again_soon(retrain: dict[str, Any]) -> None:
    assert sorted(retrain["tasks"]) == sorted([*TASKS, "ask"])
    for task in retrain["tasks"].values():
        assert task["owner"] == "etalon"
        assert 0 < task["timeout_s"] <= 2 * 3600
        assert task["retries"] >= 1
        assert task["retry_delay_s"] <= 30


def test_the_documentation_is_the_files_own(retrain: dict[str, Any]) -> None:
    assert retrain["doc"].startswith("Validated products become training data")


def test_a_dag_file_is_wiring_of_sixty_lines_at_most() -> None:
    assert max(len(path.read_text().splitlines()) for path in DAGS.glob("*.py")) <= 60
