"""Models side by side: best first, gaps named for what they are, the same comparison known again."""

import json
from dataclasses import replace

import pytest

from tests.toys.shop import TAXONOMY
from training.comparison import Compared, comparison_record

SCORES = {"weighted_f1": 0.8, "macro_f1": 0.7, "calibration_error": 0.03, "weighted_f1.from-text-only": 0.6}
RESULT = {
    "model": "fusion",
    "scores": SCORES,
    "interval": [0.75, 0.85],
    "seconds": 12.5,
    "package": "f" * 64,
    "run_id": "r1",
}
FUSION = Compared.of(RESULT, 40.0)
BERT = replace(FUSION, model="bert", weighted_f1=0.6, low=0.55, high=0.65, package="b" * 64, from_image=None)
CLOSE = replace(FUSION, model="concat", weighted_f1=0.78, low=0.7, high=0.82, package="c" * 64)


def test_the_table_is_kept_as_json_and_as_a_page_best_first() -> None:
    told = comparison_record([BERT, FUSION, CLOSE], TAXONOMY, manifest=3, rows=400)
    assert [one["model"] for one in json.loads(told.reports["comparison.json"])] == ["fusion", "concat", "bert"]
    page = told.reports["comparison.html"]
    assert page.index("fusion is best") < page.index("Too close to call by their intervals: concat")
    assert "Clearly behind: bert" in page
    assert told.metrics == {
        "weighted_f1.bert": 0.6,
        "weighted_f1.fusion": 0.8,
        "weighted_f1.concat": 0.78,
        "rows.judged": 400,
    }


def test_a_half_that_a_model_does_not_read_is_a_dash() -> None:
    assert (FUSION.from_text, FUSION.from_image) == (0.6, None)
    assert "<td>–</td>" in comparison_record([FUSION], TAXONOMY, manifest=3, rows=400).reports["comparison.html"]


def test_the_same_packages_on_the_same_snapshot_are_the_same_comparison() -> None:
    def key(*models: Compared, manifest: int = 3) -> str:
        return comparison_record(models, TAXONOMY, manifest=manifest, rows=400).key

    assert key(FUSION, BERT) == key(BERT, FUSION)
    assert key(FUSION, BERT) != key(FUSION, BERT, manifest=4)
    assert key(FUSION, BERT) != key(FUSION, replace(BERT, package="d" * 64))


def test_nothing_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="at least one"):
        comparison_record([], TAXONOMY, manifest=3, rows=400)
