"""Every hour rejected products go into the archive, and those that their owners erased leave it.

The archive is a folder in Google Drive, or one on this machine where no Drive is configured (`docs/archive.md`). A
product's ids are written down before anything is sent, so a run that is cut off, repeated or doubled leaves each
product there once. With nothing to do the run ends as *skipped*. A Drive that turns calls away for a while is asked
again by the job itself; one that stays away fails the task, which is tried again for about an hour.
"""

from datetime import timedelta

from airflow.sdk import dag
from job_process import DEFAULTS, at, job

DRIVE_MAY_BE_AWAY = {"retries": 6, "retry_exponential_backoff": True, "max_retry_delay": timedelta(minutes=20)}


@dag(
    schedule=at("37 * * * *"),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["archive"],
    doc_md=__doc__,
)
def archive_rejected() -> None:
    """Wire the one job."""
    job("archive", "preprocessing.archive run", minutes=120, **DRIVE_MAY_BE_AWAY)


archive_rejected()
