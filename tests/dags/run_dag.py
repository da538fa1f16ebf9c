# ruff: noqa: T201 - what it prints is its result
"""Run as a process: execute a DAG once per scenario and print every task's state as JSON."""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from airflow.dag_processing.dagbag import BundleDagBag
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk.timezone import utcnow
from airflow.utils.session import create_session
from sqlalchemy import select

ASKED = {"action": "promote", "package": "ab" * 32, "run_key": "the run that judged"}
CONF = {"full": {"full": True}, "rolled-back": {"action": "rollback", "reason": "wrong lamps", "expected_epoch": 2}}
CONF |= {"dry-run": {"dry_run": True}, "bad-month": {"month": "2026-09"}}
CONF |= {"limited": {"max_steps": 3, "halves": ["text"]}, "elsewhere": {"url": "https://pre.example.org"}}
ADA = {"id": "7", "name": "Ada: reviewer"}
ANSWERS = {
    "approved": {"chosen_options": ["Approve"], "params_input": {"why": "knows 'lamps'"}, "responded_by_user": ADA},
    "approved-without-a-word": {"chosen_options": ["Approve"], "params_input": {}, "responded_by_user": ADA},
    "rejected": {"chosen_options": ["Reject"], "params_input": {"why": "toys fall"}, "responded_by_user": ADA},
    # What the scheduler makes of a question whose time is up.
    "nobody-answered": {"chosen_options": ["Reject"], "params_input": {"why": ""}, "responded_by_user": None},
}
ANSWERS["nothing-to-promote"] = ANSWERS["approved"]


def answer(self: HITLOperator, context: object) -> object:
    """Instead of waiting for a person: what the scenario's person says."""
    event = ANSWERS[os.environ["STAND_IN_SCENARIO"]] | {"responded_at": utcnow()}
    return self.execute_complete(context, event)


def asked() -> list[dict[str, object]]:
    """Every run of `deploy` that another DAG has started."""
    with create_session() as session:
        runs = session.scalars(select(DagRun).where(DagRun.dag_id == "deploy", DagRun.run_id.like("grey-%")))
        return [{"run_id": run.run_id, "conf": run.conf} for run in runs]


def retrained() -> list[str]:
    """Every run of `retrain`, whoever started it."""
    with create_session() as session:
        return list(session.scalars(select(DagRun.run_id).where(DagRun.dag_id == "retrain")))


def at_once(self: TaskInstance) -> datetime:
    """When a failed task is tried again: nothing here gets better by waiting."""
    return self.end_date


def moment(dag_id: str, scenario: str, number: int) -> datetime | None:
    """When the run is said to begin: what happens at night must not depend on when the tests run."""
    hour = 3 if scenario in ("night", "dry-run") else 12
    return datetime(2026, 11, 22, hour, number, tzinfo=UTC) if dag_id == "reconcile" else None


def main(folder: str, dag_id: str, scenarios: list[str]) -> None:
    """Run the DAG with ``STAND_IN_SCENARIO`` set to each of ``scenarios`` in turn."""
    bag = BundleDagBag(dag_folder=folder, bundle_path=Path(folder), bundle_name="dags-folder")
    HITLOperator.execute = answer
    TaskInstance.next_retry_datetime = at_once
    states = {}
    for number, scenario in enumerate(scenarios):
        os.environ["STAND_IN_SCENARIO"] = scenario
        run = bag.dags[dag_id].test(
            run_after=moment(dag_id, scenario, number),
            run_conf=CONF.get(scenario, ASKED if dag_id == "deploy" else None),
        )
        states[scenario] = {
            "run_id": run.run_id,
            "state": run.state,
            "asked": asked(),
            "retrained": retrained(),
            "tasks": {instance.task_id: instance.state for instance in run.get_task_instances()},
        }
    print("\n" + json.dumps(states, default=str))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
