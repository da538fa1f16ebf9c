"""A DAG executed by Airflow once per scenario, with a stand-in where the jobs' interpreter would be."""

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


class Runs:
    """States by scenario, the calls that reached the jobs, and everything Airflow logged."""

    def __init__(
        self, dag_id: str, scenarios: list[str], airflow: Callable[..., str], folder: Path, **settings: str
    ) -> None:
        interpreter = folder / "an interpreter"  # with a space, as a user's folder may have
        interpreter.write_text(
            f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(HERE / "stand_in_job.py"))} "$@"\n'
        )
        interpreter.chmod(0o700)
        notes = folder / "notes.jsonl"
        variables = {"JOBS_PYTHON": str(interpreter), "STAND_IN_NOTES": str(notes), **settings}
        self.log = airflow("run_dag.py", dag_id, *scenarios, **variables)
        self.states: dict[str, Any] = json.loads(self.log.splitlines()[-1])
        self._calls = [json.loads(line) for line in notes.read_text().splitlines()]

    def tasks(self, scenario: str) -> dict[str, str]:
        """How each task ended."""
        return self.states[scenario]["tasks"]

    def calls(self, scenario: str) -> list[str]:
        """The command lines, in the order they came."""
        return [" ".join(call["arguments"]) for call in self._calls if call["scenario"] == scenario]

    def folders(self, scenario: str) -> set[str]:
        """Where the jobs ran."""
        return {call["cwd"] for call in self._calls if call["scenario"] == scenario}
