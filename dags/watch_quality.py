"""Every ten minutes somebody looks whether the model still does what it was let through for (`docs/quality.md`).

`watch` reads accuracy on the newest verdicts, calibration, and drift of texts and photos, and writes what is new into
the database; with nothing new the run ends as *skipped*. `tell` sends an alert where an episode began, or has lasted
another day: the same fact is told once. `retrain` starts a run of that DAG where accuracy is surely below
`LOOP_WATCH_MIN_ACCURACY`. The wish for a retraining is in the database by then: a doubled run asks for nothing twice,
and a lost trigger loses nothing, because every run of `retrain` looks for it.
"""

from datetime import timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import dag
from alerts import alerts
from decision import only_if
from job_process import DEFAULTS, at, job

FOUND = "ti.xcom_pull('watch')"
TEXT = f"{{{{ {FOUND}['text'] }}}}"


@dag(
    schedule=at("*/10 * * * *"),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["loop"],
    doc_md=__doc__,
)
def watch_quality() -> None:
    """Wire the look and what follows from it."""
    watch = job("watch", 'training.jobs watch --run-key "$RUN_KEY"', minutes=10)
    tell = BashOperator(
        task_id="tell",
        bash_command='printf "%s\\n" "$TEXT"',  # the log has it where nobody is named to be alerted
        env={"TEXT": TEXT},
        append_env=True,
        pre_execute=only_if(f"{FOUND}['told']"),
        on_success_callback=alerts(f"{{{{ {FOUND}['subject'] }}}}", TEXT),
        execution_timeout=timedelta(minutes=5),
    )
    retrain = TriggerDagRunOperator(
        task_id="retrain",
        trigger_dag_id="retrain",
        trigger_run_id="watch-{{ run_id }}",
        skip_when_already_exists=True,
        pre_execute=only_if(f"{FOUND}['retrain']"),
        execution_timeout=timedelta(minutes=5),
    )
    watch >> [tell, retrain]


watch_quality()
