"""What holds for every DAG in the folder, as Airflow's own loader sees it, and as `docs/dags.md` says."""

import ast
import re
from collections.abc import Iterator
from typing import Any

from tests.conftest import ROOT

DAGS = ROOT / "dags"
LONGEST_S = 24 * 3600
RETRIED_WITHIN_S = 60


def tasks(folder: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every task of every DAG, with its name."""
    for dag_id, dag in folder["dags"].items():
        for task_id, task in dag["tasks"].items():
            yield f"{dag_id}.{task_id}", task


def asks_a_person(task: dict[str, Any]) -> bool:
    return task["response_timeout_s"] is not None


def test_the_folder_loads_without_an_error(folder: dict[str, Any]) -> None:
    assert folder["errors"] == {}


def test_parsing_the_dags_imports_no_heavy_library(folder: dict[str, Any]) -> None:
    assert folder["heavy"] == []


def test_a_file_is_wiring_of_sixty_lines_at_most() -> None:
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in DAGS.rglob("*.py")}
    assert {name: length for name, length in lengths.items() if length > 60} == {}


def test_each_file_of_a_dag_is_named_like_it_and_its_docstring_is_what_airflow_shows(folder: dict[str, Any]) -> None:
    for dag_id, dag in folder["dags"].items():
        source = (DAGS / f"{dag_id}.py").read_text(encoding="utf-8")
        assert dag["doc"] == ast.get_docstring(ast.parse(source), clean=False)
        assert len(dag["doc"]) > 200, f"{dag_id} says too little of itself"


def test_schedules_and_limits_are_as_documented(folder: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "dags.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:]] for line in page.splitlines() if line.startswith("| `")]
    documented = {
        dag_id.strip("`"): (starts.strip("`"), re.findall(r"asset `(\w+)`", also), int(runs))
        for dag_id, starts, also, runs, *_ in rows
    }
    found = {
        dag_id: (dag["cron"] or "by hand", dag["assets"], dag["max_active_runs"])
        for dag_id, dag in folder["dags"].items()
    }
    assert found == documented


def test_nothing_is_caught_up(folder: dict[str, Any]) -> None:
    assert [dag_id for dag_id, dag in folder["dags"].items() if dag["catchup"]] == []


def test_a_new_system_does_not_begin_with_what_it_missed(folder: dict[str, Any]) -> None:
    late = {dag_id: dag["made_up_for_s"] for dag_id, dag in folder["dags"].items() if dag["cron"]}
    assert set(late.values()) == {0.0}, late


def test_no_two_clocks_strike_in_the_same_minute_but_those_of_every_ten(folder: dict[str, Any]) -> None:
    """Each starts a job of its own, and the machine may be small."""
    minutes = [dag["cron"].split()[0] for dag in folder["dags"].values() if dag["cron"]]
    hourly = [minute for minute in minutes if minute.isdigit()]
    assert len(set(hourly)) == len(hourly)


def test_every_dag_has_tags_and_every_task_an_owner(folder: dict[str, Any]) -> None:
    assert [dag_id for dag_id, dag in folder["dags"].items() if not dag["tags"]] == []
    assert {task["owner"] for _, task in tasks(folder)} == {"etalon"}


def test_every_task_ends_in_time_or_waits_for_a_person_but_not_for_ever(folder: dict[str, Any]) -> None:
    for name, task in tasks(folder):
        if asks_a_person(task):
            assert 0 < task["response_timeout_s"] <= 14 * 24 * 3600, name
        else:
            assert 0 < (task["timeout_s"] or 0) <= LONGEST_S, name


def test_every_task_is_tried_again_soon_before_somebody_is_told(folder: dict[str, Any]) -> None:
    for name, task in tasks(folder):
        assert task["retries"] >= 1, name
        assert task["retry_delay_s"] <= RETRIED_WITHIN_S, name


def test_every_task_tells_people_when_its_last_try_has_failed(folder: dict[str, Any]) -> None:
    assert [name for name, task in tasks(folder) if task["alerts"] != 2] == []
