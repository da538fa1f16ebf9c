"""Validated products become training data, a challenger and, where it is better, the champion.

`append` claims the validated rows and adds them to the training store as one batch; with too few of them, and none
too old, it ends the run as *skipped*, unless an admin asked for a retraining (`POST /retrain`), which this run then
carries out, or the batch before was never judged: its training failed. Either way this run trains on what is there.
`features` embeds the new rows only, `fit` trains the challenger, `judge` compares it with the champion on the same rows
and logs both to MLflow, `promote` moves the release when the gate said so. Where it said grey, `ask` starts a run of
`deploy`, in which a person decides. Of these two what has nothing to do is skipped.

The asset event (sent by the API when enough verdicts wait) only wakes the run early: every run asks the database
what there is to do, and the timetable makes sure that somebody asks. Any task may run again, or twice at once.
"""

from airflow.sdk import Asset, AssetOrTimeSchedule, chain, dag
from decision import decision
from job_process import DEFAULTS, at, job

MANIFEST = "{{ ti.xcom_pull('append')['manifest'] }}"
PACKAGE = "{{ ti.xcom_pull('fit')['package'] }}"


@dag(
    schedule=AssetOrTimeSchedule(timetable=at("*/10 * * * *"), assets=[Asset("validated_rows")]),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["loop"],
    doc_md=__doc__,
)
def retrain() -> None:
    """Wire the jobs of one retraining."""
    inputs = {"MANIFEST": MANIFEST}
    chain(
        job("append", 'preprocessing.ingest append --run-key "$RUN_KEY" --if-due', minutes=10),
        job("features", 'training.jobs features --manifest "$MANIFEST"', minutes=120, inputs=inputs),
        job("fit", 'training.jobs fit --manifest "$MANIFEST" --run-key "$RUN_KEY"', minutes=120, inputs=inputs),
        decision(package=PACKAGE, manifest=MANIFEST),
    )


retrain()
