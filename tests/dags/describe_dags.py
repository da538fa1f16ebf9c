# ruff: noqa: T201 - what it prints is its result
"""Run as a process: load the DAG folder as Airflow does and print what was found as JSON."""

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.dag_processing.dagbag import BundleDagBag

HEAVY = ["tensorflow", "keras", "mlflow", "pandas", "numpy", "openvino", "sklearn", "core", "training", "preprocessing"]


def describe_schedule(timetable: Any) -> dict[str, Any]:
    """Assets that wake the DAG, its clock, and how late a moment before its first sight may be made up for."""
    assets = []
    if getattr(timetable, "asset_condition", None):
        assets = [asset.name for asset in timetable.asset_condition.objects]
        timetable = timetable.timetable
    late = getattr(timetable, "run_immediately", None)
    seconds = late.total_seconds() if isinstance(late, timedelta) else late
    return {"assets": assets, "cron": getattr(timetable, "expression", None), "made_up_for_s": seconds}


def main(folder: str) -> None:
    """Print errors, heavy modules loaded by parsing, and each DAG's shape."""
    before = set(sys.modules)
    bag = BundleDagBag(dag_folder=folder, bundle_path=Path(folder), bundle_name="dags-folder")
    heavy = [name for name in HEAVY if name in sys.modules and name not in before]
    dags = {
        dag.dag_id: {
            **describe_schedule(dag.timetable),
            "catchup": dag.catchup,
            "max_active_runs": dag.max_active_runs,
            "doc": dag.doc_md,
            "tags": sorted(dag.tags),
            "edges": sorted((task.task_id, other) for task in dag.tasks for other in task.downstream_task_ids),
            "tasks": {
                task.task_id: {
                    "owner": task.owner,
                    "retries": task.retries,
                    "retry_delay_s": task.retry_delay.total_seconds(),
                    "alerts": len(task.on_failure_callback),
                    "defaults": getattr(task, "defaults", None),
                    "response_timeout_s": (waits := getattr(task, "response_timeout", None)) and waits.total_seconds(),
                    "timeout_s": task.execution_timeout and task.execution_timeout.total_seconds(),
                }
                for task in dag.tasks
            },
        }
        for dag in bag.dags.values()
    }
    print(json.dumps({"errors": bag.import_errors, "heavy": heavy, "dags": dags}))


if __name__ == "__main__":
    main(sys.argv[1])
