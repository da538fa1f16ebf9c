# ruff: noqa: T201 - what it prints is its result
"""Run as a process: execute a DAG once per scenario and print every task's state as JSON."""

import json
import os
import sys
from pathlib import Path

from airflow.dag_processing.dagbag import BundleDagBag


def main(folder: str, dag_id: str, scenarios: list[str]) -> None:
    """Run the DAG with ``STAND_IN_SCENARIO`` set to each of ``scenarios`` in turn."""
    bag = BundleDagBag(dag_folder=folder, bundle_path=Path(folder), bundle_name="dags-folder")
    states = {}
    for scenario in scenarios:
        os.environ["STAND_IN_SCENARIO"] = scenario
        run = bag.dags[dag_id].test(run_conf={"full": True} if scenario == "full" else None)
        states[scenario] = {
            "run_id": run.run_id,
            "state": run.state,
            "tasks": {instance.task_id: instance.state for instance in run.get_task_instances()},
        }
    print("\n" + json.dumps(states, default=str))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
