"""Airflow as its people use it: starting a run, waiting for it, answering what it asks."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx

from local.orchestrator import Orchestrator, Run


class RunFailed(RuntimeError):
    """A run of a DAG failed, or did not end in time."""


class Airflow(Orchestrator):
    """A signed-in user of one Airflow."""

    def trigger(self, dag_id: str, **conf: Any) -> str:
        """Start a run with these parameters; its id."""
        answer = self._http.post(f"/api/v2/dags/{dag_id}/dagRuns", json={"logical_date": None, "conf": conf})
        answer.raise_for_status()
        return str(answer.json()["dag_run_id"])

    def run(self, dag_id: str, run_id: str) -> Run:
        """One run with the states of its tasks."""
        found = self._get(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")
        return Run(run_id, found["state"], self._tasks(dag_id, run_id))

    def wait(self, dag_id: str, run_id: str, timeout_s: float) -> Run:
        """The run once it succeeded.

        Raises:
            RunFailed: it failed, or ``timeout_s`` seconds passed.
        """
        run = self.wait_until(lambda: self.run(dag_id, run_id), lambda run: run.is_over, timeout_s, f"{dag_id} to end")
        if run.state != "success":
            raise RunFailed(f"{dag_id} {run_id} failed: {dict(run.tasks)}")
        return run

    def wait_until(
        self, look: Callable[[], Any], good: Callable[[Any], bool], timeout_s: float, what: str, every_s: float = 0.5
    ) -> Any:
        """What ``look`` found once it was ``good``.

        Raises:
            RunFailed: ``timeout_s`` seconds passed.
        """
        deadline = time.monotonic() + timeout_s
        found: Any = None
        while time.monotonic() < deadline:
            try:
                found = look()
            except httpx.HTTPError as error:  # a busy moment
                found = error
            else:
                if good(found):
                    return found
            time.sleep(every_s)
        raise RunFailed(f"waited {timeout_s:.0f} s for {what}; last seen: {found}")

    def successes(self, dag_id: str) -> list[str]:
        """Runs that succeeded and in which a task did something, oldest last."""
        return [run.run_id for run in self.runs(dag_id, limit=50) if run.state == "success" and _worked(run)]

    def questions(self, dag_id: str) -> list[dict[str, Any]]:
        """Decisions that wait for a person."""
        found = self._get(f"/api/v2/dags/{dag_id}/dagRuns/~/hitlDetails", response_received=False)
        return list(found["hitl_details"])

    def answer(self, question: dict[str, Any], option: str, **params: Any) -> None:
        """Answer a question with one of its options."""
        task = question["task_instance"]
        run = f"/api/v2/dags/{task['dag_id']}/dagRuns/{quote(task['dag_run_id'], safe='')}"
        path = f"{run}/taskInstances/{task['task_id']}/{task['map_index']}/hitlDetails"
        answer = self._http.patch(path, json={"chosen_options": [option], "params_input": params})
        answer.raise_for_status()


def _worked(run: Run) -> bool:
    return "success" in run.tasks.values()
