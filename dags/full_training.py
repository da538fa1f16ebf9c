"""Once a week BERT and ResNet50 themselves are trained on the store's products, and a model over them is judged.

`snapshot` names the manifest that the whole run works on. `finetune_text`, then `finetune_image` train the encoders,
from the weights that the settings name; each is skipped where it is not wanted (`halves`, else `TRAIN_TUNE_HALVES`) or
has nothing to learn from: no photos, say. With both skipped the run is over. `features` embeds every product anew,
`fit` trains heads and fusion over that, and the gate decides, or a person, as after `retrain`: a new encoder has to
pass the strict confidence, and later retrainings keep it.

A killed task goes on from its last checkpoint. `retrain` may run meanwhile and promote: `promote` then judges again.
With `max_steps` (else `TRAIN_TUNE_MAX_STEPS`) each encoder learns from so many batches at most.
"""

from datetime import timedelta

from airflow.sdk import Param, TriggerRule, chain, dag
from decision import decision
from job_process import DEFAULTS, at, job

DAY = 24 * 60  # minutes
MANIFEST = "{{ ti.xcom_pull('snapshot')['manifest'] }}"
WANTED = {
    "MANIFEST": MANIFEST,
    "HALVES": "{{ (params.halves or []) | join(',') }}",
    "LIMIT": "{{ '--max-steps %d' % params.max_steps if params.max_steps else '' }}",
}
TUNED = "{{ (ti.xcom_pull('finetune_%s') or {}).get('encoder', '') }}"
TUNE = 'training.jobs finetune --half %s --among "$HALVES" $LIMIT --manifest "$MANIFEST" --run-key "$RUN_KEY"'
OVER = '--manifest "$MANIFEST" --encoders "text=$TEXT,image=$IMAGE"'
PATIENT = {"minutes": DAY, "inputs": WANTED, "retries": 5, "retry_delay": timedelta(minutes=1)}


@dag(
    schedule=at("23 22 * * 0"),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    params={
        "max_steps": Param(default=None, type=["null", "integer"], minimum=1, description="batches of each encoder"),
        "halves": Param(default=None, type=["null", "array"], description='of ["text", "image"]'),
    },
    tags=["loop"],
    doc_md=__doc__,
)
def full_training() -> None:
    """Wire the jobs of one full training."""
    inputs = {"MANIFEST": MANIFEST, "TEXT": TUNED % "text", "IMAGE": TUNED % "image"}
    some = {"trigger_rule": TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS}
    snapshot = job("snapshot", 'training.jobs snapshot --run-key "$RUN_KEY"', minutes=10)
    text, image = (
        job("finetune_text", TUNE % "text", **PATIENT),
        job("finetune_image", TUNE % "image", **PATIENT, **some),
    )
    features = job("features", f"training.jobs features {OVER}", minutes=DAY, inputs=inputs, **some)
    fit = job("fit", f'training.jobs fit {OVER} --run-key "$RUN_KEY"', minutes=DAY // 2, inputs=inputs)
    snapshot >> text >> image
    snapshot >> image
    chain([text, image], features, fit, decision(package="{{ ti.xcom_pull('fit')['package'] }}", manifest=MANIFEST))


full_training()
