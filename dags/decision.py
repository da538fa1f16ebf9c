"""The end of every training: the gate's word about its package, and what comes of it.

`judge` compares the package with the champion on the same rows and logs both to MLflow. `promote` moves the release
when the gate said so, and is skipped otherwise. `ask` starts a run of `deploy`, in which a person decides, when the
gate said grey, and is skipped otherwise. A package is asked about once beside one champion, however often it is judged.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk.exceptions import AirflowSkipException
from job_process import job

MLFLOW_MAY_BE_AWAY = {"retries": 10, "retry_exponential_backoff": True, "max_retry_delay": timedelta(minutes=2)}


def decision(*, package: str, manifest: str) -> BashOperator:
    """Wire `judge`, `promote` and `ask`; returns `judge`, which comes after whatever made the package.

    Args:
        package: template of the package's sha.
        manifest: template of the number of the snapshot to judge it on.
    """
    inputs = {"PACKAGE": package, "MANIFEST": manifest}
    verb = 'training.jobs judge --package "$PACKAGE" --manifest "$MANIFEST" --run-key "$RUN_KEY"'
    judge = job("judge", verb, minutes=60, inputs=inputs, **MLFLOW_MAY_BE_AWAY)
    verb = 'training.jobs promote --package "$PACKAGE" --run-key "$RUN_KEY" --judge-again'
    promote = job("promote", verb, minutes=10, inputs={"PACKAGE": package})
    ask = TriggerDagRunOperator(
        task_id="ask",
        trigger_dag_id="deploy",
        trigger_run_id="grey-{{ ti.xcom_pull('judge')['package'][:12] }}-{{ ti.xcom_pull('judge')['epoch'] }}",
        conf={"action": "promote", "run_key": "{{ run_id }}", "package": "{{ ti.xcom_pull('judge')['package'] }}"},
        skip_when_already_exists=True,
        # The gate's newest word is grey, too, where the champion moved, it was judged again, and not promoted.
        pre_execute=only_if("ti.xcom_pull('judge')['decision'] != 'refuse' and not ti.xcom_pull('promote')"),
        trigger_rule="none_failed_min_one_success",
        execution_timeout=timedelta(minutes=10),
    )
    judge >> promote
    [judge, promote] >> ask
    return judge


def only_if(condition: str) -> Callable[[Any], None]:
    """A task's ``pre_execute``: the task is skipped unless this Jinja expression holds."""

    def look(context: Any) -> None:
        if context["task"].render_template(f"{{{{ 'yes' if {condition} else 'no' }}}}", context) != "yes":
            raise AirflowSkipException(f"not so: {condition}")

    return look
