"""`monthly_report`: its shape as Airflow's loader sees it, and executed with a stand-in where the jobs would be."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.dags.mailbox import Mailbox, open_mailbox
from tests.dags.runs import Runs

SCENARIOS = ["everything", "bad-month"]


@pytest.fixture
def shape(folder: dict[str, Any]) -> dict[str, Any]:
    return folder["dags"]["monthly_report"]


@pytest.fixture(scope="module")
def box() -> Iterator[Mailbox]:
    with open_mailbox() as mailbox:
        yield mailbox


@pytest.fixture(scope="module")
def runs(box: Mailbox, in_airflow: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs("monthly_report", SCENARIOS, in_airflow, tmp_path_factory.mktemp("report"), **box.settings)


def test_it_tells_of_a_month_on_the_first_of_the_next(shape: dict[str, Any]) -> None:
    assert (shape["cron"], shape["assets"], shape["catchup"]) == ("5 2 1 * *", [], False)
    assert shape["max_active_runs"] == 1
    assert shape["edges"] == [["report", "log"], ["report", "retrain"]]


def test_a_tracking_server_may_be_away_for_a_while(shape: dict[str, Any]) -> None:
    assert shape["tasks"]["log"]["retries"] >= 5


def test_a_report_is_written_logged_and_announced(runs: Runs, box: Mailbox) -> None:
    assert runs.tasks("everything") == {"report": "success", "log": "success", "retrain": "skipped"}
    assert runs.calls("everything") == [
        "-m training.jobs report --month  --ask",  # the last month that is over
        "-m training.jobs log-report --name monthly-2026-10",
    ]
    assert box.mails[0]["Subject"] == "Etalon: the report of 2026-10 is ready"
    told = box.mails[0].get_body().get_content()
    assert "No retraining needed." in told
    assert "reports fetch monthly-2026-10 monthly-2026-10.html" in told


def test_a_report_that_asked_for_a_retraining_starts_one(runs: Runs, box: Mailbox) -> None:
    assert runs.tasks("bad-month") == {"report": "success", "log": "success", "retrain": "success"}
    assert runs.calls("bad-month")[0] == "-m training.jobs report --month 2026-09 --ask"
    assert "monthly-2026-10" in runs.states["bad-month"]["retrained"]
    assert "Retrain because people replaced 30.0 %." in box.messages[1]["text"]
