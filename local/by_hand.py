"""``local job``: one job in the environment of a system that runs, rests, or is begun by that very job."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from local.database import DatabaseChoice
from local.diagnosis import explain
from local.progress import warn
from local.state import PROJECT, State
from local.system import System

_BEGINS = ["preprocessing.ingest", "import"]
_TRAINS = "training.jobs"


def run(root: Path, command: Sequence[str]) -> int:
    """Run ``python -m command`` in the environment of the system in ``root``; returns its exit status.

    An import begins the system where there is none. Training keeps its record in MLflow: where the system rests,
    its tracking server runs for as long as the job.
    """
    try:
        system = System.existing(root)
    except FileNotFoundError:
        if list(command[:2]) != _BEGINS:
            warn(f"{root} holds no system yet; begin one with: make import DATA=folder, or make up")
            return 2
        system = _begin(root)
    if command[0] == _TRAINS and not system.supervisor.is_running():
        return _run_with_tracking(root, command)
    os.chdir(PROJECT)
    sys.stdout.flush()
    return os.execve(sys.executable, _line(command), dict(system.environment))  # noqa: S606


def _begin(root: Path) -> System:
    """Folders, secrets, ports and an empty database; ``make up`` will start on them."""
    warn(f"── beginning a system in {root}; start it later with: make up")
    DatabaseChoice(State.at(root)).make(os.environ)
    system = System.assemble(root)
    system.job("core.db", "migrate")
    return system


def _run_with_tracking(root: Path, command: Sequence[str]) -> int:
    step = "MLflow, for this job alone"
    warn(f"── {step} (make up keeps it running)")
    system = System.assemble(root)
    try:
        system.supervisor.start([one for one in system.programs if one.name == "mlflow"], system.environment)
        system.wait_healthy("mlflow")
    except Exception as error:
        system.supervisor.stop()
        warn(explain(error, step, system.state))
        return 1
    try:
        return subprocess.run(_line(command), cwd=PROJECT, env=dict(system.environment)).returncode
    finally:
        system.supervisor.stop()


def _line(command: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", *command]
