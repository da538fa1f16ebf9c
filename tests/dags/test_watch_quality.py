"""`watch_quality`: its shape as Airflow's loader sees it, and executed with a stand-in where the job would be."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.dags.mailbox import Mailbox, open_mailbox
from tests.dags.runs import Runs

SCENARIOS = ["everything", "accuracy-fell", "texts-changed", "nothing-to-watch"]


@pytest.fixture
def shape(folder: dict[str, Any]) -> dict[str, Any]:
    return folder["dags"]["watch_quality"]


@pytest.fixture(scope="module")
def box() -> Iterator[Mailbox]:
    with open_mailbox() as mailbox:
        yield mailbox


@pytest.fixture(scope="module")
def runs(box: Mailbox, in_airflow: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs("watch_quality", SCENARIOS, in_airflow, tmp_path_factory.mktemp("watch"), **box.settings)


def test_it_looks_every_ten_minutes_and_once_at_a_time(shape: dict[str, Any]) -> None:
    assert (shape["cron"], shape["assets"], shape["catchup"]) == ("*/10 * * * *", [], False)
    assert shape["max_active_runs"] == 1
    assert shape["edges"] == [["watch", "retrain"], ["watch", "tell"]]


def test_a_look_that_finds_all_well_tells_nobody(runs: Runs) -> None:
    assert runs.tasks("everything") == {"watch": "success", "tell": "skipped", "retrain": "skipped"}
    key = runs.states["everything"]["run_id"]
    assert runs.calls("everything") == [f"-m training.jobs watch --run-key {key}"]


def test_nothing_new_is_no_failure(runs: Runs) -> None:
    assert runs.tasks("nothing-to-watch") == {"watch": "skipped", "tell": "skipped", "retrain": "skipped"}


def test_a_drop_is_told_and_starts_a_retraining_at_once(runs: Runs, box: Mailbox) -> None:
    assert runs.tasks("accuracy-fell") == {"watch": "success", "tell": "success", "retrain": "success"}
    assert f"watch-{runs.states['accuracy-fell']['run_id']}" in runs.states["accuracy-fell"]["retrained"]
    mail, message = box.mails[0], box.messages[0]
    assert mail["Subject"] == "Etalon: accuracy fell"
    assert "surely below 70 %" in mail.get_body().get_content()
    assert "surely below 70 %" in message["text"]
    assert "surely below 70 %" in runs.log


def test_a_change_of_the_input_is_told_and_trains_nothing(runs: Runs, box: Mailbox) -> None:
    assert runs.tasks("texts-changed") == {"watch": "success", "tell": "success", "retrain": "skipped"}
    assert [mail["Subject"] for mail in box.mails[1:]] == ["Etalon: texts changed"]
    assert len(box.messages) == 2
