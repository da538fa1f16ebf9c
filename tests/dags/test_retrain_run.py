"""`retrain` executed by Airflow, with a stand-in where the jobs' interpreter would be."""

from collections.abc import Callable

import pytest

from tests.conftest import ROOT
from tests.dags.runs import Runs

VERBS = ["append", "features", "fit", "judge", "promote"]
SCENARIOS = ["everything", "nothing-to-append", "nothing-to-promote", "fit-fails", "training-failed-before"]
SCENARIOS += ["grey", "grey-again", "grey-after-all"]


@pytest.fixture(scope="session")
def runs(in_airflow: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs("retrain", SCENARIOS, in_airflow, tmp_path_factory.mktemp("jobs"))


def states(runs: Runs, scenario: str) -> list[str]:
    return [runs.tasks(scenario)[verb] for verb in VERBS]


def test_a_due_batch_goes_all_the_way(runs: Runs) -> None:
    assert states(runs, "everything") == ["success"] * 5


def test_each_job_gets_its_run_key_and_what_the_one_before_found(runs: Runs) -> None:
    key = runs.states["everything"]["run_id"]
    assert runs.calls("everything") == [
        f"-m preprocessing.ingest append --run-key {key} --if-due",
        "-m training.jobs features --manifest 2",
        f"-m training.jobs fit --manifest 2 --run-key {key}",
        f"-m training.jobs judge --package {'ab' * 32} --manifest 2 --run-key {key}",
        f"-m training.jobs promote --package {'ab' * 32} --run-key {key} --judge-again",
    ]


def test_jobs_run_in_the_projects_root(runs: Runs) -> None:
    assert runs.folders("everything") == {str(ROOT)}


def test_a_run_with_too_few_rows_is_skipped_and_is_no_failure(runs: Runs) -> None:
    assert states(runs, "nothing-to-append") == ["skipped"] * 5
    assert len(runs.calls("nothing-to-append")) == 1
    assert runs.states["nothing-to-append"]["state"] == "success"


def test_a_challenger_that_the_gate_refuses_leaves_only_the_promotion_skipped(runs: Runs) -> None:
    assert states(runs, "nothing-to-promote") == ["success"] * 4 + ["skipped"]


def test_a_failing_job_stops_what_follows(runs: Runs) -> None:
    assert states(runs, "fit-fails") == ["success", "success", "failed", "upstream_failed", "upstream_failed"]
    assert runs.calls("fit-fails")[-1].startswith("-m training.jobs fit")


def test_a_batch_whose_training_failed_is_trained_on_by_the_next_run_without_new_rows(runs: Runs) -> None:
    assert states(runs, "training-failed-before") == ["success"] * 5
    assert runs.calls("training-failed-before")[1] == "-m training.jobs features --manifest 2"


def test_only_a_grey_challenger_is_handed_to_a_person(runs: Runs) -> None:
    assert states(runs, "grey") == ["success"] * 4 + ["skipped"]
    assert runs.tasks("grey")["ask"] == "success"
    assert {runs.tasks(scenario)["ask"] for scenario in ("everything", "nothing-to-promote")} == {"skipped"}
    (asked,) = runs.states["grey"]["asked"]
    key, package = runs.states["grey"]["run_id"], "ab" * 32
    assert asked["conf"] == {"action": "promote", "run_key": key, "package": package}


def test_a_challenger_is_asked_about_once_beside_one_champion(runs: Runs) -> None:
    assert runs.tasks("grey-again")["ask"] == "skipped"
    assert runs.states["grey-again"]["asked"] == runs.states["grey"]["asked"]


def test_a_challenger_that_was_judged_again_and_is_grey_now_is_asked_about(runs: Runs) -> None:
    assert states(runs, "grey-after-all") == ["success"] * 4 + ["skipped"]
    assert runs.tasks("grey-after-all")["ask"] == "success"
    assert f"grey-{'ab' * 6}-7" in [asked["run_id"] for asked in runs.states["grey-after-all"]["asked"]]
