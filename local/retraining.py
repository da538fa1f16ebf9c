"""Following one run of `retrain` from the verdicts to the release."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from local.orchestrator import Orchestrator, Run

DAG = "retrain"
TASKS = ("append", "features", "fit", "judge", "promote", "ask")
_MARKS = {"success": "✓", "failed": "✗", "skipped": "–", "running": "…", "up_for_retry": "↻", "upstream_failed": "✗"}


class RetrainingFailed(RuntimeError):
    """A task failed for good, or nothing happened for too long.

    Attributes:
        log: the failed task's newest log, or None.
    """

    def __init__(self, why: str, log: Path | None) -> None:
        super().__init__(why)
        self.log = log


class NotPromoted(RuntimeError):
    """The gate did not release the challenger.

    Attributes:
        judged: what ``judge`` found.
    """

    def __init__(self, judged: dict[str, Any]) -> None:
        against = [reason for reason in judged.get("reasons", []) if not reason.startswith("passed ")]
        super().__init__("\n    ".join([f"the gate decided {judged.get('decision')!r}", *against]))
        self.judged = judged


@dataclass(frozen=True, slots=True)
class Retraining:
    """A finished run: what its tasks returned."""

    run_id: str
    results: dict[str, dict[str, Any]]


def wait_for_release(
    orchestrator: Orchestrator,
    task_logs: Path,
    timeout_s: float,
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> Retraining:
    """Follow the run that takes the verdicts until it has promoted its challenger.

    Raises:
        NotPromoted: the gate refused the challenger or wants a person's word.
        RetrainingFailed: a task failed, or ``timeout_s`` seconds passed.
    """
    deadline = time.monotonic() + timeout_s
    told = ""
    while time.monotonic() < deadline:
        run = _working_run(orchestrator)
        line = _line(run) if run else "waiting for the orchestrator (it also looks every ten minutes by itself)"
        if line != told:
            say(line)
            told = line
        if run is not None and run.is_over:
            return _finished(orchestrator, run, task_logs)
        sleep(1.0)
    raise RetrainingFailed(f"no challenger was promoted within {timeout_s:.0f} s; last seen: {told}", None)


def _working_run(orchestrator: Orchestrator) -> Run | None:
    """The newest run that found something to do; runs that were skipped had come too early."""
    try:
        runs = orchestrator.runs(DAG)
    except httpx.HTTPError:
        return None  # a busy moment: asked again in a second
    return next((run for run in runs if run.tasks.get("append") not in (None, "skipped")), None)


def _line(run: Run) -> str:
    return f"{run.run_id[:40]}: " + "  ".join(f"{task} {_mark(run.tasks.get(task))}" for task in TASKS)


def _mark(state: str | None) -> str:
    return _MARKS.get(state or "", "·")


def _finished(orchestrator: Orchestrator, run: Run, task_logs: Path) -> Retraining:
    failed = next((task for task in TASKS if run.tasks.get(task) == "failed"), None)
    if failed is not None:
        raise RetrainingFailed(f"task {failed} of {run.run_id} failed", newest_log(task_logs, run.run_id, failed))
    results = {task: orchestrator.result(DAG, run.run_id, task) or {} for task in TASKS}
    if run.tasks.get("promote") != "success":
        raise NotPromoted(results["judge"])
    return Retraining(run.run_id, results)


def newest_log(task_logs: Path, run_id: str, task: str) -> Path | None:
    """The log of a task's last try."""
    folder = task_logs / f"dag_id={DAG}" / f"run_id={run_id}" / f"task_id={task}"
    return max(folder.glob("attempt=*.log"), key=lambda path: path.stat().st_mtime, default=None)
