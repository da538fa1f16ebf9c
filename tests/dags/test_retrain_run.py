"""`retrain` executed by Airflow, with a stand-in where the jobs' interpreter would be."""

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
VERBS = ["append", "features", "fit", "judge", "promote"]
SCENARIOS = ["everything", "nothing-to-append", "nothing-to-promote", "fit-fails"]


class Runs:
    """States by scenario, and the calls that reached the jobs."""

    def __init__(self, states: dict[str, Any], notes: Path) -> None:
        self.states = states
        self._calls = [json.loads(line) for line in notes.read_text().splitlines()]

    def tasks(self, scenario: str) -> list[str]:
        return [self.states[scenario]["tasks"][verb] for verb in VERBS]

    def calls(self, scenario: str) -> list[dict[str, Any]]:
        return [call for call in self._calls if call["scenario"] == scenario]


@pytest.fixture(scope="session")
def runs(in_airflow: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("jobs")
    interpreter = folder / "an interpreter"  # with a space, as a user's folder may have
    interpreter.write_text(
        f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(HERE / "stand_in_job.py"))} "$@"\n'
    )
    interpreter.chmod(0o700)
    notes = folder / "notes.jsonl"
    states = in_airflow("run_retrain.py", *SCENARIOS, JOBS_PYTHON=str(interpreter), STAND_IN_NOTES=str(notes))
    return Runs(states, notes)


def test_a_due_batch_goes_all_the_way(runs: Runs) -> None:
    assert runs.tasks("everything") == ["success"] * 5


def test_each_job_gets_its_run_key_and_what_the_one_before_found(runs: Runs) -> None:
    key = runs.states["everything"]["run_id"]
    assert [" ".join(call["arguments"]) for call in runs.calls("everything")] == [
        f"-m preprocessing.ingest append --run-key {key} --if-due",
        "-m training.jobs features --manifest 2",
        f"-m training.jobs fit --manifest 2 --run-key {key}",
        f"-m training.jobs judge --package {'ab' * 32} --manifest 2 --run-key {key}",
        f"-m training.jobs promote --package {'ab' * 32} --run-key {key}",
    ]


def test_jobs_run_in_the_projects_root(runs: Runs) -> None:
    assert {call["cwd"] for call in runs.calls("everything")} == {str(HERE.parents[1])}


def test_a_run_with_too_few_rows_is_skipped_and_is_no_failure(runs: Runs) -> None:
    assert runs.tasks("nothing-to-append") == ["skipped"] * 5
    assert len(runs.calls("nothing-to-append")) == 1
    assert runs.states["nothing-to-append"]["state"] == "success"


def test_a_challenger_that_the_gate_refuses_leaves_only_the_promotion_skipped(runs: Runs) -> None:
    assert runs.tasks("nothing-to-promote") == ["success"] * 4 + ["skipped"]


def test_a_failing_job_stops_what_follows(runs: Runs) -> None:
    assert runs.tasks("fit-fails") == ["success", "success", "failed", "upstream_failed", "upstream_failed"]
    assert runs.calls("fit-fails")[-1]["arguments"][2] == "fit"
