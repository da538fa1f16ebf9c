"""A task that runs one of our jobs as a process, in the environment of the jobs rather than Airflow's."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import CronTriggerTimetable
from alerts import failure_alerts

DEFAULTS: dict[str, Any] = {
    "owner": "etalon",
    "depends_on_past": False,
    # Every job resumes its run key, so a second try continues a killed or cut-off one.
    "retries": 2,
    "retry_delay": timedelta(seconds=10),
    "on_failure_callback": failure_alerts(),
}
NOTHING_TO_DO = 99  # exit code of a job that found no work: the task and what follows it are skipped

# Standard output's last line is the result and has to come last; standard error goes to the task's log as it comes.
_SCRIPT = """
out="$("${{JOBS_PYTHON:?names the interpreter of the jobs}}" -m {command})"
code=$?
printf '%s\\n' "$out"
exit $code
"""


def at(cron: str) -> CronTriggerTimetable:
    """These moments in UTC, but none before Airflow first saw the DAG: not at once the training of a whole week."""
    return CronTriggerTimetable(cron, timezone="UTC", run_immediately=timedelta(0))


def job(task_id: str, command: str, *, minutes: int, inputs: dict[str, str] | None = None, **kw: Any) -> BashOperator:
    """A task whose XCom is the JSON object that ``python -m {command}`` prints last.

    Args:
        task_id: name of the task.
        command: module and arguments, in shell syntax; ``$RUN_KEY`` and ``inputs`` are variables in it, so that
            whatever they hold stays one quoted word.
        minutes: the job is stopped after that many.
        inputs: variables of the command to templates.
        **kw: arguments of ``BashOperator``.
    """
    return BashOperator(
        task_id=task_id,
        bash_command=_SCRIPT.format(command=command),
        env={"RUN_KEY": "{{ run_id }}", **(inputs or {})},
        append_env=True,
        cwd=str(Path(__file__).resolve().parents[1]),
        skip_on_exit_code=NOTHING_TO_DO,
        output_processor=json.loads,
        execution_timeout=timedelta(minutes=minutes),
        **kw,
    )
