"""`full_training`: its shape as Airflow's own loader sees it, and executed with a stand-in where the jobs would be."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.dags.runs import Runs

TEXT, IMAGE, PACKAGE = "11" * 32, "22" * 32, "ab" * 32
SCENARIOS = ["everything", "limited", "nothing-to-finetune-image", "nothing-to-tune", "nothing-to-snapshot"]
TASKS = ["snapshot", "finetune_text", "finetune_image", "features", "fit", "judge", "promote", "ask"]


@pytest.fixture
def full_training(folder: dict[str, Any]) -> dict[str, Any]:
    return folder["dags"]["full_training"]


@pytest.fixture(scope="module")
def runs(in_airflow: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs("full_training", SCENARIOS, in_airflow, tmp_path_factory.mktemp("full"))


def states(runs: Runs, scenario: str) -> list[str]:
    return [runs.tasks(scenario)[task] for task in TASKS]


def test_it_runs_in_the_night_after_sunday_and_once_at_a_time(full_training: dict[str, Any]) -> None:
    assert (full_training["cron"], full_training["assets"], full_training["catchup"]) == ("23 22 * * 0", [], False)
    assert full_training["max_active_runs"] == 1


def test_one_encoder_is_trained_after_the_other_and_the_model_after_both(full_training: dict[str, Any]) -> None:
    assert [tuple(edge) for edge in full_training["edges"]] == sorted(
        [
            ("snapshot", "finetune_text"),
            ("snapshot", "finetune_image"),
            ("finetune_text", "finetune_image"),
            ("finetune_text", "features"),
            ("finetune_image", "features"),
            ("features", "fit"),
            ("fit", "judge"),
            ("judge", "promote"),
            ("judge", "ask"),
            ("promote", "ask"),
        ]
    )


def test_a_killed_fine_tuning_is_taken_up_again(full_training: dict[str, Any]) -> None:
    for task in ("finetune_text", "finetune_image"):
        assert full_training["tasks"][task]["retries"] >= 3
        assert 0 < full_training["tasks"][task]["timeout_s"] <= 24 * 3600


def test_each_job_gets_the_snapshot_and_the_encoders_of_this_run(runs: Runs) -> None:
    assert states(runs, "everything") == ["success"] * 7 + ["skipped"]
    key = runs.states["everything"]["run_id"]
    tune = f"--among  --manifest 2 --run-key {key}"
    over = f"--manifest 2 --encoders text={TEXT},image={IMAGE}"
    assert runs.calls("everything") == [
        f"-m training.jobs snapshot --run-key {key}",
        f"-m training.jobs finetune --half text {tune}",
        f"-m training.jobs finetune --half image {tune}",
        f"-m training.jobs features {over}",
        f"-m training.jobs fit {over} --run-key {key}",
        f"-m training.jobs judge --package {PACKAGE} --manifest 2 --run-key {key}",
        f"-m training.jobs promote --package {PACKAGE} --run-key {key} --judge-again",
    ]


def test_a_run_may_be_limited_to_some_steps_and_halves(runs: Runs) -> None:
    key = runs.states["limited"]["run_id"]
    half = f"--among text --max-steps 3 --manifest 2 --run-key {key}"
    assert f"-m training.jobs finetune --half text {half}" in runs.calls("limited")


def test_without_photos_the_text_is_tuned_alone(runs: Runs) -> None:
    assert states(runs, "nothing-to-finetune-image") == ["success"] * 2 + ["skipped"] + ["success"] * 4 + ["skipped"]
    assert f"-m training.jobs features --manifest 2 --encoders text={TEXT},image=" in runs.calls(
        "nothing-to-finetune-image"
    )


@pytest.mark.parametrize(("scenario", "done"), [("nothing-to-tune", 1), ("nothing-to-snapshot", 0)])
def test_with_nothing_to_tune_the_run_is_over_and_no_failure(runs: Runs, scenario: str, done: int) -> None:
    assert states(runs, scenario) == ["success"] * done + ["skipped"] * (len(TASKS) - done)
    assert runs.states[scenario]["state"] == "success"
