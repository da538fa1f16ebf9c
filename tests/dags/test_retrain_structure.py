"""The shape of `retrain`, as Airflow's own loader sees it, beyond what holds for every DAG."""

import itertools
from typing import Any

import pytest

TASKS = ["append", "features", "fit", "judge", "promote"]


@pytest.fixture
def retrain(folder: dict[str, Any]) -> dict[str, Any]:
    return folder["dags"]["retrain"]


def test_the_jobs_follow_one_another(retrain: dict[str, Any]) -> None:
    assert retrain["edges"] == sorted([*map(list, itertools.pairwise(TASKS)), ["judge", "ask"], ["promote", "ask"]])


def test_nobody_waits_long_for_a_retraining_that_hangs(retrain: dict[str, Any]) -> None:
    assert max(task["timeout_s"] for task in retrain["tasks"].values()) <= 2 * 3600
