"""`archive_rejected`: its shape as Airflow's loader sees it, and executed with a stand-in where the job would be."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.dags.runs import Runs

SCENARIOS = ["everything", "nothing-to-run"]


@pytest.fixture
def archive(folder: dict[str, Any]) -> dict[str, Any]:
    return folder["dags"]["archive_rejected"]


@pytest.fixture(scope="module")
def runs(in_airflow: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs("archive_rejected", SCENARIOS, in_airflow, tmp_path_factory.mktemp("archive"))


def test_it_runs_every_hour_and_once_at_a_time(archive: dict[str, Any]) -> None:
    assert (archive["cron"], archive["assets"], archive["catchup"]) == ("37 * * * *", [], False)
    assert archive["max_active_runs"] == 1


def test_it_is_patient_with_a_drive_that_is_away_and_ends_in_time(archive: dict[str, Any]) -> None:
    (task,) = archive["tasks"].values()
    assert task["owner"] == "etalon"
    assert task["retries"] >= 5
    assert 0 < task["timeout_s"] <= 3 * 3600


def test_it_archives(runs: Runs) -> None:
    assert runs.tasks("everything") == {"archive": "success"}
    assert runs.calls("everything") == ["-m preprocessing.archive run"]


def test_nothing_to_archive_is_no_failure(runs: Runs) -> None:
    assert runs.tasks("nothing-to-run") == {"archive": "skipped"}
