"""A person decides: serve a challenger from the gate's grey zone, or serve again what was served before.

**Promote** is started by a run whose gate said grey, or by hand with `package` and `run_key` (the run that judged it).
`evidence` shows what the gate decided on, or ends the run as *skipped*: nothing is left to decide, or another run asks
about this package. `approve` waits a week for somebody's answer, under *Required Actions*. Approved, `promote` serves
the package in the name of whoever answered; it is skipped where another champion is served by now. `outcome` returns
how it ended and writes it down: served, rejected, expired (nobody answered, the champion stays) or moved.

**Rollback** serves the release before; with `expected_epoch` only while that epoch is served. The ledger keeps who
started the run, and `reason`. A repeated task leaves the epoch that its first try left, and no other.
"""

from airflow.sdk import Param, dag
from approval import approval
from decision import only_if
from job_process import DEFAULTS, job

BACK = {
    "WHY": "{{ params.reason or 'rolled back in Airflow' }}",
    "WHO": "{{ dag_run.triggering_user_name or 'airflow' }}",
    "EXPECTED": "{{ '--expected-epoch %d' % params.expected_epoch if params.expected_epoch else '' }}",
}


@dag(
    schedule=None,
    max_active_runs=64,  # questions wait for days, and a rollback must not wait for them
    default_args=DEFAULTS,
    params={
        "action": Param("promote", enum=["promote", "rollback"], description="what to do"),
        "package": Param("", type="string", pattern="^([0-9a-f]{64})?$", description="promote: the model's version"),
        "run_key": Param("", type="string", maxLength=250, description="promote: the run that judged it"),
        "reason": Param("", type="string", maxLength=500, description="rollback: why; the ledger keeps it"),
        "expected_epoch": Param(None, type=["null", "integer"], minimum=1, description="rollback: only from this one"),
    },
    tags=["release"],
    doc_md=__doc__,
)
def deploy() -> None:
    """Wire the question, and the rollback."""
    approval(wanted="params.action == 'promote'")
    verb = 'training.jobs rollback --reason "$WHY" --actor "$WHO" --run-key "$RUN_KEY" $EXPECTED'
    job("rollback", verb, minutes=10, inputs=BACK, pre_execute=only_if("params.action == 'rollback'"))


deploy()
