"""A judgement in Markdown: what a person reads before deciding."""

from typing import Any

import pytest

from core.domain.taxonomy import Taxonomy
from tests.conftest import ROOT
from training.report import evidence

CHANGE = {"p_fall": 1.0, "support": 30}


def difference(observed: float) -> dict[str, Any]:
    shares = {"improves": 0.61, "worsens": 0.35}
    return {"rows": 300, "clusters": 280, "observed": observed, "low": -0.012, "high": 0.022, **shares}


@pytest.fixture
def judged() -> dict[str, Any]:
    classes = [
        {"code": 10, "champion_f1": 0.50, "challenger_f1": 0.45, **CHANGE},
        {"code": 2280, "champion_f1": 0.60, "challenger_f1": 0.70, **CHANGE},
        {"code": 50, "champion_f1": 0.80, "challenger_f1": 0.80, **CHANGE},
    ]
    compared = {
        "overall": difference(0.006),
        "frozen": difference(0.004),
        "fresh": None,
        "classes": classes,
        "relative_latency": 1.04,
        "robustness": [{"disturbance": "typos", "champion_f1": 0.71, "challenger_f1": 0.72, "rows": 200}],
        "new_labels": {"rows": 90, "contradicted": 0.2, "expected": 0.18, "low": -0.01},
        "looks": {"at_holdout": 3, "at_champion": 2},
    }
    return {
        "package": "ab" * 32,
        "decision": "grey",
        "reasons": ["passed latency: 1.04 times", "FAILED likely better: P(improves) 0.610, asked 0.80"],
        "scores": {"weighted_f1": 0.846, "macro_f1": 0.83, "accuracy": 0.85, "calibration_error": 0.05},
        "champion_scores": {"weighted_f1": 0.840, "macro_f1": 0.82, "accuracy": 0.84, "calibration_error": 0.06},
        "interval": [0.80, 0.89],
        "rows": 300,
        "manifest": 7,
        "epoch": 4,
        "gate": {"evidence": {"comparison": compared}},
    }


@pytest.fixture
def taxonomy() -> Taxonomy:
    return Taxonomy.from_csv(ROOT / "data" / "taxonomy.csv")


def test_the_question_names_the_package_the_gates_word_and_the_gain(judged: dict[str, Any]) -> None:
    assert evidence.subject(judged) == "Serve abababababab? The gate said grey, +0.6 points of weighted F1"


def test_what_stopped_the_gate_comes_before_what_it_found_in_order(judged: dict[str, Any], taxonomy: Taxonomy) -> None:
    told = evidence.body(judged, taxonomy, run_url=None)
    assert told.index("likely better: P(improves) 0.610") < told.index("latency: 1.04 times")


def test_both_models_scores_stand_side_by_side_with_the_interval(judged: dict[str, Any], taxonomy: Taxonomy) -> None:
    told = evidence.body(judged, taxonomy, run_url=None)
    assert "| macro F1 | 0.830 | 0.820 |" in told
    assert "between 0.800 and 0.890 (95 % interval)" in told
    assert "300 rows of 280 distinct products" in told


def test_only_categories_that_change_are_shown_falls_first(judged: dict[str, Any], taxonomy: Taxonomy) -> None:
    told = evidence.body(judged, taxonomy, run_url=None)
    falls, gains = f"| 10 {taxonomy.require(10).label} | 0.500", f"| 2280 {taxonomy.require(2280).label} | 0.600"
    assert 0 < told.index(falls) < told.index(gains)
    assert f"| 50 {taxonomy.require(50).label}" not in told


def test_robustness_doubtful_labels_looks_and_the_page_are_named(judged: dict[str, Any], taxonomy: Taxonomy) -> None:
    told = evidence.body(judged, taxonomy, run_url="http://mlflow/#/runs/r")
    assert "| typos | 0.710 | 0.720 | 200 |" in told
    assert "contradicts 20.0 %; 18.0 % were to be expected" in told
    assert "look 3 at this hold-out" in told
    assert "http://mlflow/#/runs/r (`report.html`)" in told


def test_a_first_package_has_nothing_to_be_compared_with(judged: dict[str, Any], taxonomy: Taxonomy) -> None:
    first = judged | {"decision": "first", "champion_scores": None, "gate": {"evidence": {"comparison": None}}}
    assert evidence.subject(first) == "Serve abababababab? The gate said first"
    assert "champion stays" not in evidence.body(first, taxonomy, run_url=None)
