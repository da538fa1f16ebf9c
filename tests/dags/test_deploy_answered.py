"""`deploy` in the real Airflow: its questions wait, people answer them over its REST interface, and jobs are called.

The processes are those of `make up`; a stand-in is where the jobs' interpreter would be.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from local.system import System
from tests.conftest import ROOT
from tests.dags.runs import HERE

LEFT_OUT = ("mlflow", "api", "airflow-triggerer")  # a question waits without a triggerer
PACKAGES = {"approved": "ab" * 32, "rejected": "cd" * 32}
PEOPLE = {"ada": "user", "vera": "viewer", "admin": "admin"}
LONGEST_S = 180.0


class Airflow:
    """Airflow's REST interface, signed in as one person."""

    def __init__(self, http: httpx.Client, name: str) -> None:
        self._http = http
        token = http.post("/auth/token", json={"username": name, "password": f"{name} of the test"})
        self._bearer = {"authorization": f"Bearer {token.raise_for_status().json()['access_token']}"}

    def ask(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """One request below ``/api/v2/dags/deploy``."""
        return self._http.request(method, f"/api/v2/dags/deploy{path}", headers=self._bearer, **arguments)

    def answer(self, run_id: str, choice: str, why: str) -> int:
        """Answer the question of a run; returns the status."""
        body = {"chosen_options": [choice], "params_input": {"why": why}}
        return self.ask(
            "PATCH", f"/dagRuns/{quote(run_id)}/taskInstances/approve/-1/hitlDetails", json=body
        ).status_code

    def waiting(self) -> list[dict[str, Any]]:
        """The questions that nobody has answered."""
        found = self.ask("GET", "/dagRuns/~/hitlDetails", params={"response_received": False}).raise_for_status().json()
        return [one for one in found["hitl_details"] if one["task_instance"]["state"] == "awaiting_input"]

    def tasks(self, run_id: str) -> dict[str, str]:
        """How each task of a run ended; empty while the run goes on."""
        if self.ask("GET", f"/dagRuns/{quote(run_id)}").json()["state"] not in ("success", "failed"):
            return {}
        found = self.ask("GET", f"/dagRuns/{quote(run_id)}/taskInstances").json()["task_instances"]
        return {task["task_id"]: task["state"] for task in found}


def wait_for(look: Callable[[], Any]) -> Any:
    """What ``look`` finds as soon as it finds something."""
    deadline = time.monotonic() + LONGEST_S
    while not (found := look()):
        assert time.monotonic() < deadline, "nothing was found in time"
        time.sleep(0.2)
    return found


def known_to_wait(system: System) -> set[str]:
    """Runs whose question the scheduler has seen waiting: an earlier answer is lost, and the question put again."""
    log = (system.state.logs / "airflow-scheduler.log").read_text(encoding="utf-8")
    return set(re.findall(r"TaskInstance Finished: .*task_id=approve, run_id=(\w+), .*state=awaiting_input", log))


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Airflow with an empty metadata database; nothing of it is left afterwards."""
    folder = tmp_path_factory.mktemp("airflow")
    interpreter, passwords = folder / "interpreter", folder / "passwords.json"
    job = shlex.join([sys.executable, str(HERE / "stand_in_job.py")])
    interpreter.write_text(f'#!/bin/sh\nexec {job} "$@"\n')
    interpreter.chmod(0o700)
    passwords.write_text(json.dumps({name: f"{name} of the test" for name in PEOPLE}))
    settings = {
        "JOBS_PYTHON": str(interpreter),
        "STAND_IN_NOTES": str(folder / "notes.jsonl"),
        "STAND_IN_SCENARIO": "answered",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in PEOPLE.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    }
    system = System.assemble(folder / "system", **settings)
    watching = [sys.executable, "-m", "tests.faults.guard", str(os.getpid()), str(system.state.root)]
    guard = subprocess.Popen(watching, cwd=ROOT, start_new_session=True)  # ends what a killed test leaves
    try:
        system.boot(without=LEFT_OUT)
        system.wait_healthy(*(one.name for one in system.programs if one.name not in LEFT_OUT))
        yield system
    finally:
        left = system.supervisor.stop()
        guard.kill()
        guard.wait()
        assert not left, f"processes {left} would not go"


@pytest.fixture(scope="module")
def answered(system: System) -> dict[str, Any]:
    """Two questions, answered by Ada: how their runs ended, what the jobs were called with, who else tried."""
    with httpx.Client(base_url=system.ports.airflow_url, timeout=30.0) as http:
        return answer_both(system, *(Airflow(http, name) for name in ("admin", "ada", "vera")))


def answer_both(system: System, admin: Airflow, ada: Airflow, vera: Airflow) -> dict[str, Any]:
    """Put the questions, let Vera try and Ada answer, and wait for the ends."""
    wait_for(lambda: admin.ask("GET", "").status_code == 200)
    admin.ask("PATCH", "", json={"is_paused": False}).raise_for_status()
    for run_id, package in PACKAGES.items():
        conf = {"action": "promote", "package": package, "run_key": f"judged {run_id}"}
        asked = {"dag_run_id": run_id, "logical_date": None, "conf": conf}
        admin.ask("POST", "/dagRuns", json=asked).raise_for_status()
    questions = wait_for(lambda: len(found := ada.waiting()) == len(PACKAGES) and found)
    wait_for(lambda: known_to_wait(system) == set(PACKAGES))
    notes = Path(system.environment["STAND_IN_NOTES"])
    asked = notes.read_text()
    statuses = [vera.answer("approved", "Approve", "I only look"), ada.answer("approved", "Approve", "knows the lamps")]
    statuses += [ada.answer("approved", "Reject", "or not"), ada.answer("rejected", "Reject", "toys fall")]
    ends = {run_id: wait_for(lambda run_id=run_id: admin.tasks(run_id)) for run_id in PACKAGES}
    calls = [" ".join(json.loads(line)["arguments"]) for line in notes.read_text().splitlines()]
    return {"questions": questions, "asked": asked, "statuses": statuses, "ends": ends, "calls": calls}


def test_questions_wait_side_by_side_with_their_evidence_and_nothing_is_promoted(answered: dict[str, Any]) -> None:
    assert {question["body"] for question in answered["questions"]} == {"**Scores**"}
    assert {tuple(question["options"]) for question in answered["questions"]} == {("Approve", "Reject")}
    assert "training.jobs evidence" in answered["asked"].replace('", "', " ")
    assert "--approve" not in answered["asked"]


def test_a_viewer_may_not_answer_and_a_question_is_answered_once(answered: dict[str, Any]) -> None:
    assert answered["statuses"] == [403, 200, 409, 200]


def test_what_is_approved_is_promoted_in_the_name_of_whoever_answered(answered: dict[str, Any]) -> None:
    about = f"--package {PACKAGES['approved']} --run-key judged approved"
    assert f"-m training.jobs promote {about} --approve ada: knows the lamps --unless-moved" in answered["calls"]
    assert answered["ends"]["approved"]["promote"] == "success"


def test_what_is_rejected_is_not_promoted_and_the_rejection_is_written_down(answered: dict[str, Any]) -> None:
    about = f"--package {PACKAGES['rejected']} --run-key judged rejected"
    calls = [call for call in answered["calls"] if about in call and " evidence " not in call]
    told = "--asked-by rejected --answer Reject --who ada --why toys fall"
    assert calls == [f"-m training.jobs outcome {about} {told}"]
    assert answered["ends"]["rejected"]["promote"] == "skipped"


def test_both_runs_end_well(answered: dict[str, Any]) -> None:
    for tasks in answered["ends"].values():
        assert {task: tasks[task] for task in ("evidence", "approve", "outcome", "rollback")} == {
            "evidence": "success",
            "approve": "success",
            "outcome": "success",
            "rollback": "skipped",
        }
