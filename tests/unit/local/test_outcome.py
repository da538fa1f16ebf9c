"""What the demonstration reports."""

import json
from pathlib import Path

from local.diagnosis import explain
from local.jobs import JobFailed
from local.outcome import Outcome, live_rows
from local.progress import table
from local.state import State


def test_the_loop_has_closed_only_when_the_next_answer_is_new() -> None:
    assert Outcome(promoted=True, next_answer_is_new=True).is_success
    assert not Outcome(promoted=True).is_success
    assert not Outcome(next_answer_is_new=True).is_success


def test_live_rows_are_those_of_the_newest_manifest_without_its_tombstones(tmp_path: Path) -> None:
    manifests = tmp_path / "training" / "manifests"
    manifests.mkdir(parents=True)
    (manifests / "000001.json").write_text(json.dumps({"segments": [{"rows": 5}], "tombstones": []}))
    newest = {"segments": [{"rows": 5}, {"rows": 3}], "tombstones": [{"segment": "000000-base", "row": 1}]}
    (manifests / "000002.json").write_text(json.dumps(newest))
    assert live_rows(tmp_path) == 7


def test_a_state_without_a_manifest_has_no_rows(tmp_path: Path) -> None:
    assert live_rows(tmp_path) == 0


def test_the_tables_show_both_models_on_the_same_rows() -> None:
    judged = {"weighted_f1": 0.861, "champion_weighted_f1": 0.79, "difference": [0.03, 0.071, 0.11]}
    text = Outcome(rows_before=700, rows_after=1180, judged=judged, seconds={"catalogue": 3.2}).describe()
    assert "0.790" in text
    assert "+7.1 points [+3.0, +11.0]" in text
    assert "+480" in text
    assert "catalogue" in text


def test_a_report_can_be_read_by_a_program(tmp_path: Path) -> None:
    Outcome(promoted=True, next_answer_is_new=True, total_s=12.5).save(tmp_path / "report.json")
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["success"] is True
    assert report["total_s"] == 12.5


def test_a_failed_step_is_explained_with_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "job.log"
    log.write_text("first line\n" * 100 + json.dumps({"timestamp": "t", "event": "it broke"}) + "\n")
    text = explain(JobFailed("training.jobs first", "ended with exit code 1", log), "first champion", State(tmp_path))
    assert "first champion failed: training.jobs first ended with exit code 1" in text
    assert "    it broke" in text
    assert text.count("first line") < 30
    assert "next:" in text


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert table([("a", "b"), ("long cell", "c")], indent="").splitlines() == [
        "a          b",
        "─────────  ─",
        "long cell  c",
    ]
