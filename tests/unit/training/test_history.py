"""The learning curve is read from the judgements that runs have kept."""

import json
from pathlib import Path
from typing import Any

from training.jobs.history import learning_curve


def judged(runs: Path, run: str, **result: Any) -> None:
    whole = {"model": "fusion", "package": run, "manifest": 1, "learnt_rows": 100, "weighted_f1": 0.7}
    (runs / run).mkdir(parents=True)
    (runs / run / "judge.json").write_text(json.dumps(whole | {"interval": [0.6, 0.8]} | result))


def test_there_is_one_point_for_each_package_of_the_model(tmp_path: Path) -> None:
    judged(tmp_path, "a")
    judged(tmp_path, "b", manifest=2, learnt_rows=300, weighted_f1=0.8)
    judged(tmp_path, "c", package="b", manifest=3, learnt_rows=300, weighted_f1=0.82)
    judged(tmp_path, "other", model="bert")
    points = learning_curve(tmp_path, "fusion")
    assert [(point.rows, point.weighted_f1) for point in points] == [(100, 0.7), (300, 0.82)]


def test_the_package_that_is_judged_now_is_left_out_and_so_are_results_of_older_code(tmp_path: Path) -> None:
    judged(tmp_path, "now")
    judged(tmp_path, "old", interval=None)
    (tmp_path / "empty").mkdir()
    assert learning_curve(tmp_path, "fusion", leave_out="now") == []
