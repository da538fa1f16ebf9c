"""The real Airflow with the real DAGs on a shop of its own: supervised as in production, hurried, and hurt."""

import itertools
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil

from local.secrets import AIRFLOW_ADMIN
from local.system import System
from tests.faults.campaign import Plan
from tests.faults.running import ROOT, Running
from tests.integration.ingest.shop import Shop

DAG = "retrain"
_START_S = 240.0
_LEFT_OUT = ("mlflow", "api", "airflow-triggerer")
# A test setting of Airflow's own (a cluster policy): the DAG's file is the real one, its waits are shorter.
_POLICY = """
from datetime import timedelta

def task_policy(task):
    task.retry_delay = timedelta(seconds=1)
    task.max_retry_delay = timedelta(seconds=2)
    task.retries = {retries}
"""
RETRIES = 8
"""Tries of a task after its first: more than are ever hurt in one run."""


class Orchestra:
    """A running Airflow; make it with ``open_orchestra``."""

    def __init__(self, system: System, folder: Path) -> None:
        self._system = system
        self._notes = folder / "notes.jsonl"
        self._hurts = folder / "hurts"
        self._count = itertools.count(1)
        self._http = httpx.Client(base_url=system.ports.airflow_url, timeout=30.0)

    @property
    def environment(self) -> Mapping[str, str]:
        """What jobs run with, to run one by hand."""
        return self._system.environment

    def sign_in(self) -> None:
        """Let the DAG run: everything else stays paused."""
        login = {"username": AIRFLOW_ADMIN, "password": self._system.secrets.airflow_password(AIRFLOW_ADMIN)}
        token = self._ask("POST", "/auth/token", json=login)["access_token"]
        self._http.headers["authorization"] = f"Bearer {token}"
        deadline = time.monotonic() + _START_S
        while self._http.get(f"/api/v2/dags/{DAG}").status_code != 200:
            if time.monotonic() > deadline:
                raise AssertionError(f"{DAG} was never read")
            time.sleep(0.5)
        self._ask("PATCH", f"/api/v2/dags/{DAG}", json={"is_paused": False})

    def trigger(self, run_id: str) -> None:
        """Start a run, or queue it behind the one that runs."""
        self._ask("POST", f"/api/v2/dags/{DAG}/dagRuns", json={"dag_run_id": run_id, "logical_date": None})

    def unfinished(self) -> list[str]:
        """Runs that are not over."""
        runs = self._ask("GET", f"/api/v2/dags/{DAG}/dagRuns", params={"limit": 100, "order_by": "-run_after"})
        return [run["dag_run_id"] for run in runs["dag_runs"] if run["state"] not in ("success", "failed")]

    def hurt(self, kind: str, fate: str) -> None:
        """Let the next try of a job of this ``kind`` (``ingest``, ``training``) come to ``fate``."""
        draft = self._hurts / f"{next(self._count):06d}.draft"
        draft.write_text(fate, encoding="utf-8")
        draft.rename(draft.with_suffix(f".{kind}"))

    def forget_hurts(self) -> int:
        """Take back what nobody has come to; how many were taken until now."""
        for path in self._hurts.glob("*.ingest"):
            path.unlink(missing_ok=True)
        for path in self._hurts.glob("*.training"):
            path.unlink(missing_ok=True)
        return len(list(self._hurts.glob("*.taken")))

    def tries(self) -> list[dict[str, Any]]:
        """Every try of a job so far, oldest first."""
        if not self._notes.exists():
            return []
        return [json.loads(line) for line in self._notes.read_text(encoding="utf-8").splitlines() if line]

    def job(self) -> psutil.Process | None:
        """The job that runs now."""
        for note in reversed(self.tries()[-3:]):
            if psutil.pid_exists(note["pid"]):
                return psutil.Process(note["pid"])
        return None

    def scheduler(self) -> psutil.Process | None:
        """The scheduler that runs now."""
        pids = [one.pid for one in self._system.supervisor.programs() if one.name == "airflow-scheduler" and one.pid]
        return psutil.Process(pids[0]) if pids else None

    def supervisor_of(self, job: psutil.Process) -> psutil.Process | None:
        """The process of Airflow that watches over the job's task: the topmost below the scheduler."""
        scheduler = self.scheduler()
        above = job.parents()
        if scheduler is None or scheduler not in above:
            return None
        below = above[: above.index(scheduler)]
        return below[-1] if below else None

    def wait_for_scheduler(self) -> None:
        """Until a scheduler is well."""
        self._system.wait_healthy("airflow-scheduler")

    def _ask(self, method: str, path: str, **arguments: Any) -> Any:
        return self._http.request(method, path, **arguments).raise_for_status().json()


@contextmanager
def open_orchestra(plan: Plan, shop: Shop) -> Iterator[Orchestra]:
    """Airflow on this shop; nothing of it is left afterwards.

    Raises:
        AssertionError: a process would not go.
    """
    folder = plan.folder / "orchestra"
    (folder / "hurts").mkdir(parents=True)
    system = System.assemble(folder / "system", **_settings(plan, shop, folder))
    config = system.state.airflow / "config"
    config.mkdir(parents=True, exist_ok=True)
    (config / "airflow_local_settings.py").write_text(_POLICY.format(retries=RETRIES), encoding="utf-8")
    guard = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.guard", str(os.getpid()), str(system.state.root)],
        cwd=ROOT,
        start_new_session=True,  # whatever ends this process shall not end it too
    )
    try:
        system.boot(without=_LEFT_OUT)
        orchestra = Orchestra(system, folder)
        system.wait_healthy(*(one.name for one in system.programs if one.name not in _LEFT_OUT))
        orchestra.sign_in()
        yield orchestra
    finally:
        left = system.supervisor.stop()
        guard.kill()
        guard.wait()
        assert not left, f"processes {left} would not go"


def _settings(plan: Plan, shop: Shop, folder: Path) -> dict[str, str]:
    interpreter = folder / "interpreter"
    job = ROOT / "tests" / "faults" / "dag_job.py"
    interpreter.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(job))} "$@"\n')
    interpreter.chmod(0o700)
    hurried = {
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "12",
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "2",
        "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "4",
        "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "8",
        "SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    }
    return {
        "DB_URL": shop.engine.url.render_as_string(hide_password=False),
        "STORE_ROOT": str(shop.store.root),
        "JOBS_PYTHON": str(interpreter),
        "NOTES": str(folder / "notes.jsonl"),
        "HURTS": str(folder / "hurts"),
        "LOOP_MIN_ROWS": "1",
        "ETALON_FAILPOINT_LOG": str(plan.failpoint_log),
        "OMP_NUM_THREADS": "1",
        **{f"AIRFLOW__{name}": value for name, value in hurried.items()},
    }


def kill(process: psutil.Process | None) -> bool:
    """SIGKILL; whether it was alive."""
    if process is None:
        return False
    running = Running(process.pid)
    if running.is_dead:
        return False
    running.send(signal.SIGKILL)
    return True
