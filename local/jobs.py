"""Jobs of the training and intake rooms, run as processes the way the orchestrator runs them."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.state import PROJECT, State


class JobFailed(RuntimeError):
    """A job ended with an error.

    Attributes:
        log: the file with its standard error.
    """

    def __init__(self, job: str, why: str, log: Path) -> None:
        super().__init__(f"{job} {why}")
        self.log = log


def run_module(state: State, environment: Mapping[str, str], module: str, *arguments: str, stdin: str = "") -> str:
    """Run ``python -m module arguments`` in the project's root and return its standard output.

    Raises:
        JobFailed: the exit code is not 0.
    """
    job = " ".join([module, *arguments[:1]])
    log_file = state.job_log(job)
    with log_file.open("a", encoding="utf-8") as log:
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            env=dict(environment),
            cwd=PROJECT,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        log.write(done.stdout)
    if done.returncode != 0:
        raise JobFailed(job, f"ended with exit code {done.returncode}", log_file)
    return done.stdout


def run_job(
    state: State, environment: Mapping[str, str], module: str, *arguments: str, stdin: str = ""
) -> dict[str, Any]:
    """``run_module``, and the JSON object on the last line of its standard output.

    Raises:
        JobFailed: the exit code is not 0, or no JSON object came.
    """
    lines = run_module(state, environment, module, *arguments, stdin=stdin).strip().splitlines()
    try:
        result = json.loads(lines[-1])
    except (IndexError, ValueError):
        result = None
    if not isinstance(result, dict):
        job = " ".join([module, *arguments[:1]])
        raise JobFailed(job, "printed no JSON object on its last line", state.job_log(job))
    return result
