"""Airflow over its REST interface: what ran, how far it is, what a task returned."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a DAG with the state of every task, None for one that has not been looked at yet."""

    run_id: str
    state: str
    tasks: Mapping[str, str | None]

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen in it."""
        return self.state in ("success", "failed")


class Orchestrator:
    """A signed-in reader of one Airflow; close it, or use it in a ``with``.

    Args:
        url: for example ``http://127.0.0.1:8080``.
        username: an account of it.
        password: the account's password.
        transport: replaces the network, for tests.

    Every method raises ``httpx.HTTPError`` when Airflow refuses or is not there.
    """

    def __init__(self, url: str, username: str, password: str, transport: httpx.BaseTransport | None = None) -> None:
        self._http = httpx.Client(base_url=url, timeout=15.0, transport=transport)
        answer = self._http.post("/auth/token", json={"username": username, "password": password})
        answer.raise_for_status()
        self._http.headers["authorization"] = f"Bearer {answer.json()['access_token']}"

    def __enter__(self) -> "Orchestrator":
        return self

    def __exit__(self, *raised: object) -> None:
        self._http.close()

    def knows(self, dag_id: str) -> bool:
        """Whether the DAG was read and is not paused."""
        answer = self._http.get(f"/api/v2/dags/{dag_id}")
        return answer.status_code == 200 and not answer.json()["is_paused"]

    def runs(self, dag_id: str, limit: int = 5) -> list[Run]:
        """The newest runs, newest first."""
        found = self._get(f"/api/v2/dags/{dag_id}/dagRuns", order_by="-run_after", limit=limit)["dag_runs"]
        return [Run(run["dag_run_id"], run["state"], self._tasks(dag_id, run["dag_run_id"])) for run in found]

    def result(self, dag_id: str, run_id: str, task_id: str) -> Any:
        """What a task returned, None if it returned nothing."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value"
        answer = self._http.get(path, params={"deserialize": True})
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        return answer.json()["value"]

    def _tasks(self, dag_id: str, run_id: str) -> dict[str, str | None]:
        found = self._get(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"]
        return {task["task_id"]: task["state"] for task in found}

    def _get(self, path: str, **query: Any) -> Any:
        answer = self._http.get(path, params=query)
        answer.raise_for_status()
        return answer.json()
