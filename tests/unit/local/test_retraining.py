"""Following the orchestrator's run, against a scripted Airflow."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from local.orchestrator import Orchestrator
from local.retraining import TASKS, NotPromoted, RetrainingFailed, wait_for_release

SKIPPED = dict.fromkeys(TASKS, "skipped")
DONE = dict.fromkeys(TASKS, "success") | {"ask": "skipped"}


class Airflow(httpx.BaseTransport):
    """Answers with one scripted look after another: run id to state and task states, newest run first."""

    def __init__(self, *looks: dict[str, tuple[str, dict[str, str | None]]]) -> None:
        self.looks = list(looks)
        self.returned: dict[str, Any] = {"judge": {"decision": "promote"}, "promote": {"epoch": 2}}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/v2/dags/retrain/dagRuns")
        if path == "/auth/token":
            return httpx.Response(201, json={"access_token": "t"})
        if path == "":
            if len(self.looks) > 1:
                self.looks.pop(0)
            runs = [{"dag_run_id": run_id, "state": state} for run_id, (state, _) in self.looks[0].items()]
            return httpx.Response(200, json={"dag_runs": runs})
        run_id, _, rest = path.removeprefix("/").partition("/")
        if rest == "taskInstances":
            tasks = self.looks[0][run_id][1].items()
            found = [{"task_id": task, "state": state} for task, state in tasks]
            return httpx.Response(200, json={"task_instances": found})
        task = rest.split("/")[1]
        if task not in self.returned:
            return httpx.Response(404, json={})
        return httpx.Response(200, json={"value": self.returned[task]})


def follow(airflow: Airflow, logs: Path = Path("nowhere"), said: list[str] | None = None) -> Any:
    lines: list[str] = [] if said is None else said
    with Orchestrator("http://airflow", "etalon", "secret", transport=airflow) as orchestrator:
        return wait_for_release(orchestrator, logs, 60, lines.append, sleep=lambda seconds: None)


def test_the_run_that_promoted_is_returned_with_its_results() -> None:
    found = follow(Airflow({}, {}, {"a": ("running", dict(DONE, promote="running"))}, {"a": ("success", DONE)}))
    assert found.run_id == "a"
    assert found.results["promote"] == {"epoch": 2}


def test_runs_that_came_too_early_are_passed_over() -> None:
    looks = {"later": ("success", SKIPPED), "ours": ("success", DONE), "early": ("success", SKIPPED)}
    assert follow(Airflow({}, looks)).run_id == "ours"


def test_a_challenger_that_is_not_promoted_is_told_with_its_judgement() -> None:
    airflow = Airflow({}, {"a": ("success", dict(DONE, promote="skipped"))})
    reasons = ["passed latency: 0.9 times", "failed likely better: P(improves) 0.4"]
    airflow.returned = {"judge": {"decision": "refuse", "weighted_f1": 0.7, "reasons": reasons}}
    with pytest.raises(NotPromoted, match="refuse") as raised:
        follow(airflow)
    assert "P(improves) 0.4" in str(raised.value)
    assert "latency" not in str(raised.value)
    assert raised.value.judged["weighted_f1"] == 0.7


def test_a_failed_task_is_named_with_its_newest_log(tmp_path: Path) -> None:
    folder = tmp_path / "dag_id=retrain" / "run_id=a" / "task_id=fit"
    folder.mkdir(parents=True)
    (folder / "attempt=1.log").write_text("boom")
    failed = {"append": "success", "features": "success", "fit": "failed", "judge": None, "promote": None}
    with pytest.raises(RetrainingFailed, match="task fit of a failed") as raised:
        follow(Airflow({}, {"a": ("failed", failed)}), tmp_path)
    assert raised.value.log == folder / "attempt=1.log"


def test_a_line_is_told_once_per_change() -> None:
    said: list[str] = []
    running = {"a": ("running", dict(DONE, judge="running", promote=None, ask=None))}
    follow(Airflow({}, running, running, running, {"a": ("success", DONE)}), said=said)
    assert [line.count("✓") for line in said] == [3, 5]
