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


def test_it_is_patient_with_a_drive_that_is_away(archive: dict[str, Any]) -> None:
    (task,) = archive["tasks"].values()
    assert task["retries"] >= 5


def test_it_archives(runs: Runs) -> None:
    assert runs.tasks("everything") == {"archive": "success"}
    assert runs.calls("everything") == ["-m preprocessing.archive run"]


def test_nothing_to_archive_is_no_failure(runs: Runs) -> None:
    assert runs.tasks("nothing-to-run") == {"archive": "skipped"}
