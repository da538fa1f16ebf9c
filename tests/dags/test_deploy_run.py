"""`deploy` executed by Airflow, with stand-ins where the jobs' interpreter and the person who decides would be."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.dags.mailbox import Mailbox, open_mailbox
from tests.dags.runs import Runs

TASKS = ["evidence", "approve", "promote", "outcome", "rollback"]
SCENARIOS = [
    "approved",
    "approved-without-a-word",
    "rejected",
    "nobody-answered",
    "nothing-to-evidence",
    "nothing-to-promote",
    "rolled-back",
]
ABOUT = f"--package {'ab' * 32} --run-key the run that judged"


@pytest.fixture(scope="module")
def box() -> Iterator[Mailbox]:
    with open_mailbox() as box:
        yield box


@pytest.fixture(scope="module")
def runs(in_airflow: Callable[..., str], tmp_path_factory: pytest.TempPathFactory, box: Mailbox) -> Runs:
    return Runs("deploy", SCENARIOS, in_airflow, tmp_path_factory.mktemp("deploy"), **box.settings)


@pytest.fixture
def deploy(folder: dict[str, Any]) -> dict[str, Any]:
    return folder["dags"]["deploy"]


def states(runs: Runs, scenario: str) -> list[str]:
    assert runs.states[scenario]["state"] == "success"
    return [runs.tasks(scenario)[task] for task in TASKS]


def test_it_starts_when_it_is_asked_to_and_a_rollback_waits_for_no_question(deploy: dict[str, Any]) -> None:
    assert (deploy["cron"], deploy["assets"]) == (None, [])
    assert deploy["max_active_runs"] >= 16
    assert [task for task in deploy["tasks"] if not any(task in edge for edge in deploy["edges"])] == ["rollback"]


def test_every_job_ends_in_time_and_the_question_waits_for_days(deploy: dict[str, Any]) -> None:
    jobs = {name: task for name, task in deploy["tasks"].items() if name != "approve"}
    assert all(0 < task["timeout_s"] <= 3600 for task in jobs.values())
    assert deploy["tasks"]["approve"]["timeout_s"] is None
    assert deploy["tasks"]["approve"]["response_timeout_s"] == 7 * 24 * 3600


def test_without_an_answer_the_champion_stays(deploy: dict[str, Any]) -> None:
    assert deploy["tasks"]["approve"]["defaults"] == ["Reject"]


def test_who_approves_and_why_reaches_the_ledger(runs: Runs) -> None:
    assert states(runs, "approved") == ["success"] * 4 + ["skipped"]
    key = runs.states["approved"]["run_id"]
    person = "Ada  reviewer"
    assert runs.calls("approved") == [
        f"-m training.jobs evidence {ABOUT} --asked-by {key}",
        f"-m training.jobs promote {ABOUT} --approve {person}: knows 'lamps' --unless-moved",
        f"-m training.jobs outcome {ABOUT} --asked-by {key} --answer Approve --who {person} --why knows 'lamps'",
    ]


def test_an_approval_without_a_word_says_so(runs: Runs) -> None:
    assert "no reason given" in runs.calls("approved-without-a-word")[1]


def test_a_rejection_promotes_nothing_and_is_written_down(runs: Runs) -> None:
    assert states(runs, "rejected") == ["success", "success", "skipped", "success", "skipped"]
    assert len(runs.calls("rejected")) == 2
    assert runs.calls("rejected")[1].endswith("--answer Reject --who Ada  reviewer --why toys fall")


def test_a_question_that_nobody_answers_ends_green_and_promotes_nothing(runs: Runs) -> None:
    assert states(runs, "nobody-answered") == ["success", "success", "skipped", "success", "skipped"]
    assert runs.calls("nobody-answered")[1].endswith("--answer Reject --who  --why ")


def test_people_are_told_of_each_question_and_of_nothing_else(runs: Runs, box: Mailbox) -> None:
    asked = [scenario for scenario in SCENARIOS if runs.tasks(scenario)["evidence"] == "success"]
    assert [str(mail["subject"]) for mail in box.mails] == ["Etalon: a decision is wanted"] * len(asked)
    for scenario, message in zip(asked, box.messages, strict=True):
        assert "Serve abababababab?" in message["text"]
        assert f"run {runs.states[scenario]['run_id']} of DAG deploy" in message["text"]


def test_with_nothing_to_decide_nobody_is_asked(runs: Runs) -> None:
    assert states(runs, "nothing-to-evidence") == ["skipped"] * 5


def test_a_champion_that_moved_meanwhile_ends_green_and_is_written_down(runs: Runs) -> None:
    assert states(runs, "nothing-to-promote") == ["success", "success", "skipped", "success", "skipped"]
    assert "--answer Approve" in runs.calls("nothing-to-promote")[2]


def test_a_rollback_asks_nobody_and_says_who_and_why(runs: Runs) -> None:
    assert states(runs, "rolled-back") == ["skipped"] * 4 + ["success"]
    key = runs.states["rolled-back"]["run_id"]
    assert runs.calls("rolled-back") == [
        f"-m training.jobs rollback --reason wrong lamps --actor dag_test --run-key {key} --expected-epoch 2"
    ]
