"""On the first of every month the last one is told as one HTML page: figures, and what follows from them.

`report` writes the page into the store, where the service lists it (`GET /reports`), and tells that it is there. Where
its verdict is *retrain*, it asks for a retraining, once for each month, and `retrain` starts a run that carries it out;
otherwise that task is skipped. `log` keeps the page on the tracking server: one that is away fails this task's tries,
and the page is there all the same. Started by hand with `month` it tells that month again, or the running one so far.
"""

from datetime import timedelta

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Param, dag
from alerts import alerts
from decision import MLFLOW_MAY_BE_AWAY, only_if
from job_process import DEFAULTS, at, job

MONTH = Param(
    default="",
    type="string",
    pattern="^(20[0-9]{2}-(0[1-9]|1[0-2]))?$",
    description="such as 2026-10; empty: the last month that is over",
)
FOUND = "ti.xcom_pull('report')"
NAME = f"{{{{ {FOUND}['name'] }}}}"
READY = f"{{{{ {FOUND}['sentence'] }}}}\nRead it: python -m client reports fetch {NAME} {NAME}.html"


@dag(
    schedule=at("5 2 1 * *"),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    params={"month": MONTH},
    tags=["monitoring"],
    doc_md=__doc__,
)
def monthly_report() -> None:
    """Wire the jobs of one report."""
    report = job(
        "report",
        'training.jobs report --month "$MONTH" --ask',
        minutes=60,
        inputs={"MONTH": "{{ params.month }}"},
        on_success_callback=alerts(f"the report of {{{{ {FOUND}['month'] }}}} is ready", READY),
    )
    log = job("log", 'training.jobs log-report --name "$NAME"', minutes=10, inputs={"NAME": NAME}, **MLFLOW_MAY_BE_AWAY)
    retrain = TriggerDagRunOperator(
        task_id="retrain",
        trigger_dag_id="retrain",
        trigger_run_id=NAME,
        skip_when_already_exists=True,
        pre_execute=only_if(f"{FOUND}['asked']"),
        execution_timeout=timedelta(minutes=10),
    )
    report >> [log, retrain]


monthly_report()
