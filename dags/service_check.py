"""Every hour the running service is used from outside, as a customer and a reviewer use it (`docs/service-check.md`).

`check` signs in as two accounts that are for nothing else, sends a product, reads it back, is refused what it may not
do, has it modified, rejected and undone by the reviewer, and erases it. The log says what was found step by step; the
first step that fails fails the task, which is tried again twice before anybody is told. Started by hand, a run may
check another of the addresses in `LOOP_CHECK_URL`, such as pre-production's.
"""

import os
from datetime import timedelta

from airflow.sdk import Param, dag
from job_process import DEFAULTS, at, job

# A choice, not any address: who is asked is told the passwords.
URLS = [url.strip() for url in os.environ.get("LOOP_CHECK_URL", "http://127.0.0.1:8000").split(",")]
RESTARTING = {"retries": 2, "retry_delay": timedelta(minutes=1)}


@dag(
    schedule=at("7 * * * *"),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    params={"url": Param(default=URLS[0], enum=URLS, description="the service to check")},
    tags=["service"],
    doc_md=__doc__,
)
def service_check() -> None:
    """Wire the one job."""
    job("check", 'client check --url "$URL"', minutes=5, inputs={"URL": "{{ params.url }}"}, **RESTARTING)


service_check()
