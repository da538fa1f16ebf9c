"""`reconcile`: its shape as Airflow's own loader sees it, and executed with a stand-in where the jobs would be."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.dags.runs import Runs

SCENARIOS = ["everything", "fsck-fails", "nothing-to-core.audit_seal", "full", "night", "dry-run"]


@pytest.fixture
def reconcile(folder: dict[str, Any]) -> dict[str, Any]:
    return folder["dags"]["reconcile"]


@pytest.fixture(scope="module")
def runs(in_airflow: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs("reconcile", SCENARIOS, in_airflow, tmp_path_factory.mktemp("reconcile"))


def test_it_runs_every_hour_and_once_at_a_time(reconcile: dict[str, Any]) -> None:
    assert (reconcile["cron"], reconcile["assets"], reconcile["catchup"]) == ("17 * * * *", [], False)
    assert reconcile["max_active_runs"] == 1


def test_only_what_removes_something_waits_for_the_check(reconcile: dict[str, Any]) -> None:
    assert sorted(reconcile["tasks"]) == ["budgets", "check", "mirror", "retain", "seal", "sweep"]
    assert sorted(reconcile["edges"]) == [["check", "retain"], ["check", "sweep"], ["retain", "budgets"]]


def test_every_task_ends_in_time(reconcile: dict[str, Any]) -> None:
    for task in reconcile["tasks"].values():
        assert task["owner"] == "etalon"
        assert 0 < task["timeout_s"] <= 3 * 3600


def test_it_checks_seals_sweeps_and_mirrors(runs: Runs) -> None:
    night = dict.fromkeys(["budgets", "retain"], "skipped")
    assert runs.tasks("everything") == dict.fromkeys(["check", "mirror", "seal", "sweep"], "success") | night
    assert sorted(runs.calls("everything")) == [
        "-m core.audit_seal",
        "-m preprocessing.ingest fsck",
        "-m preprocessing.ingest sweep",
        "-m training.jobs mirror",
    ]


@pytest.mark.parametrize("scenario", ["night", "full"])
def test_at_night_and_when_asked_it_reads_everything_tidies_and_looks_at_the_budgets(runs: Runs, scenario: str) -> None:
    assert set(runs.tasks(scenario).values()) == {"success"}
    calls = runs.calls(scenario)
    assert "-m preprocessing.ingest fsck --full" in calls
    (tidying,) = [call for call in calls if call.startswith("-m training.jobs retain --airflow-logs /")]
    assert tidying.endswith("/logs")
    assert calls.index(tidying) < calls.index("-m core.retention")


def test_a_dry_run_removes_nothing(runs: Runs) -> None:
    (tidying,) = [call for call in runs.calls("dry-run") if "retain" in call.split()]
    assert tidying.endswith(" --dry-run")


def test_a_violation_fails_the_check_is_in_its_log_and_keeps_everything(runs: Runs) -> None:
    assert runs.tasks("fsck-fails") == {
        "budgets": "upstream_failed",
        "check": "failed",
        "mirror": "success",
        "retain": "upstream_failed",
        "seal": "success",
        "sweep": "upstream_failed",
    }
    assert runs.states["fsck-fails"]["state"] == "failed"
    assert "progress of fsck-fails on standard output" in runs.log


def test_nothing_to_seal_is_no_failure(runs: Runs) -> None:
    assert runs.tasks("nothing-to-core.audit_seal")["seal"] == "skipped"
    assert runs.states["nothing-to-core.audit_seal"]["state"] == "success"
