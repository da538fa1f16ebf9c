"""Every hour the loop is checked against its invariants, what people did is sealed, and MLflow told what is served.

`check` compares verdicts, outbox, training store, ledger and audit, and fails with each violation, row and file, in its
log; the service shows the newest result at its metrics port. Once a night, and when started by hand with `full`, it
reads every tensor, photo and package too. `seal` adds a link to the audit's chain and prints its sha256; with nothing
new it ends as *skipped*. It does not wait for the check: a violation must not keep the audit open. `sweep` removes
photos that nothing has named for a day and settles the index of copies that appends wrote to, after a check that found
nothing; it is skipped where there is nothing of both. `mirror` points MLflow's aliases at the release: a promotion or
rollback over HTTP moves the ledger only.

`retain` removes what nothing needs any more, once a night and when started by hand with `full`, after a check that
found nothing; with `dry_run` it only says what would go. `budgets` tells people which folders still hold more than they
may, and is skipped where none does.
"""

from airflow.sdk import Param, chain, dag
from alerts import alerts
from decision import only_if
from job_process import DEFAULTS, at, job

# A run started by hand has no logical date, and every run has a moment after which it may start.
NIGHTLY = "params.full or dag_run.run_after.hour == 3"
WHOLE = f"{{{{ '--full' if {NIGHTLY} else '' }}}}"
LOGS = '"${AIRFLOW__LOGGING__BASE_LOG_FOLDER:-${AIRFLOW_HOME:-$HOME/airflow}/logs}"'
OVER_BUDGET = "The store holds more than its budget: {{ ti.xcom_pull('budgets')['told'] }}. See docs/retention.md."


@dag(
    schedule=at("17 * * * *"),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS | {"retries": 1},
    params={
        "full": Param(default=False, type="boolean", description="as at night: read everything, and tidy"),
        "dry_run": Param(default=False, type="boolean", description="remove nothing, only say what would go"),
    },
    tags=["store"],
    doc_md=__doc__,
)
def reconcile() -> None:
    """Wire the jobs of one hour."""
    check = job("check", "preprocessing.ingest fsck $WHOLE", minutes=180, inputs={"WHOLE": WHOLE})
    chain(check, job("sweep", "preprocessing.ingest sweep", minutes=30))
    retain = job(
        "retain",
        f"training.jobs retain --airflow-logs {LOGS} $DRY_RUN",
        minutes=120,
        inputs={"DRY_RUN": "{{ '--dry-run' if params.dry_run else '' }}"},
        pre_execute=only_if(NIGHTLY),
    )
    told = alerts("the disk holds more than its budget", OVER_BUDGET)
    chain(check, retain, job("budgets", "core.retention", minutes=30, on_success_callback=told))
    job("seal", "core.audit_seal", minutes=10)
    job("mirror", "training.jobs mirror", minutes=10)


reconcile()
