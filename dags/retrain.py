"""Validated products become training data, a challenger and, where it is better, the champion.

`append` claims the validated rows and adds them to the training store as one batch; with too few of them, and none
too old, it ends the run as *skipped*, unless an admin asked for a retraining (`POST /retrain`), which this run then
carries out, or the batch before was never judged: its training failed. Either way this run trains on what is there.
`features` embeds the new rows only, `fit` trains the challenger, `judge` compares it with the champion on the same rows
and logs both to MLflow, `promote` moves the release when the gate said so and is skipped otherwise.

The asset event (sent by the API when enough verdicts wait) only wakes the run early: every run asks the database
what there is to do, and the timetable makes sure that somebody asks. Any task may run again, or twice at once.
"""

from datetime import timedelta

from airflow.sdk import Asset, AssetOrTimeSchedule, CronTriggerTimetable, chain, dag
from job_process import DEFAULTS, job

MANIFEST = {"MANIFEST": "{{ ti.xcom_pull('append')['manifest'] }}"}
PACKAGE = {"PACKAGE": "{{ ti.xcom_pull('fit')['package'] }}"}
MLFLOW_MAY_BE_AWAY = {"retries": 10, "retry_exponential_backoff": True, "max_retry_delay": timedelta(minutes=2)}


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("*/10 * * * *", timezone="UTC"), assets=[Asset("validated_rows")]
    ),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["loop"],
    doc_md=__doc__,
)
def retrain() -> None:
    """Wire the jobs of one retraining."""
    chain(
        job("append", 'preprocessing.ingest append --run-key "$RUN_KEY" --if-due', minutes=10),
        job("features", 'training.jobs features --manifest "$MANIFEST"', minutes=120, inputs=MANIFEST),
        job("fit", 'training.jobs fit --manifest "$MANIFEST" --run-key "$RUN_KEY"', minutes=120, inputs=MANIFEST),
        job(
            "judge",
            'training.jobs judge --package "$PACKAGE" --manifest "$MANIFEST" --run-key "$RUN_KEY"',
            minutes=60,
            inputs=MANIFEST | PACKAGE,
            **MLFLOW_MAY_BE_AWAY,
        ),
        job("promote", 'training.jobs promote --package "$PACKAGE" --run-key "$RUN_KEY"', minutes=10, inputs=PACKAGE),
    )


retrain()
