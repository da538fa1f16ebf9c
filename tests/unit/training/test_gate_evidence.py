"""What the gate measures: the right scores, clusters kept whole, and p-values that mean what they say."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from core.domain.gate import Evidence, GatePolicy, Outcome, decide
from training.gate import Answers, BadPolicy, Rows, compare, load_policy, report

POLICY = GatePolicy()
ROOT = Path(__file__).resolve().parents[3]


def some_rows(count: int = 600, classes: int = 6, *, copies: int = 1, seed: int = 1) -> Rows:
    random = np.random.default_rng(seed)
    truth = np.repeat(random.integers(0, classes, count // copies) * 10, copies)
    clusters = [f"c{index // copies}" for index in range(len(truth))]
    return Rows(truth, clusters, np.arange(len(truth)) % 10 != 0)


def answers_with(rows: Rows, accuracy: float, seed: int, *, confidence: float = 0.8) -> Answers:
    random = np.random.default_rng([7, seed])  # another stream than the rows'
    labels = np.unique(rows.truth)
    wrong = random.choice(labels, len(rows.truth))
    codes = np.where(random.random(len(rows.truth)) < accuracy, rows.truth, wrong)
    return Answers(codes, np.full(len(codes), confidence))


def test_the_observed_difference_is_the_weighted_f1_people_know() -> None:
    rows = some_rows()
    old, new = answers_with(rows, 0.6, 1), answers_with(rows, 0.8, 2)
    found = compare(rows, champion=old, challenger=new, policy=POLICY, relative_latency=1.0, resamples=50)
    known = [f1_score(rows.truth, one.codes, average="weighted", zero_division=0) for one in (old, new)]
    assert found.overall.observed == pytest.approx(known[1] - known[0], abs=1e-6)
    by_class = f1_score(rows.truth, new.codes, average=None, zero_division=0)
    assert [change.challenger_f1 for change in found.classes] == pytest.approx(list(by_class), abs=1e-6)


def test_an_answer_outside_the_truths_classes_counts_as_wrong() -> None:
    rows = Rows(np.array([10, 10, 20, 20]), ["a", "b", "c", "d"], np.ones(4, bool))
    old = Answers(np.array([10, 10, 20, 20]), np.ones(4))
    new = Answers(np.array([10, 99, 20, 5]), np.ones(4))
    found = compare(rows, champion=old, challenger=new, policy=POLICY, relative_latency=1.0, resamples=10)
    known = f1_score(rows.truth, new.codes, average="weighted", labels=[10, 20])
    assert found.overall.observed == pytest.approx(known - 1.0, abs=1e-6)


def test_a_model_never_beats_itself() -> None:
    rows = some_rows()
    same = answers_with(rows, 0.7, 3)
    found = compare(rows, champion=same, challenger=same, policy=POLICY, relative_latency=1.0)
    assert (found.overall.observed, found.overall.improves, found.overall.worsens) == (0.0, 0.0, 0.0)
    assert decide(Evidence(True, found), POLICY).outcome is Outcome.REFUSE


def test_a_clear_gain_is_promoted_and_its_loss_refused() -> None:
    rows = some_rows()
    weak, strong = answers_with(rows, 0.6, 1), answers_with(rows, 0.8, 2)
    gain = compare(rows, champion=weak, challenger=strong, policy=POLICY, relative_latency=1.0)
    loss = compare(rows, champion=strong, challenger=weak, policy=POLICY, relative_latency=1.0)
    assert decide(Evidence(True, gain), POLICY).outcome is Outcome.PROMOTE
    assert decide(Evidence(True, loss), POLICY).outcome is Outcome.REFUSE


def test_copies_of_one_product_do_not_make_the_gate_surer() -> None:
    """Each product stands ten times; counted as independent rows the interval would be three times too narrow."""
    single, copied = some_rows(100), some_rows(1000, copies=10)
    copied = Rows(np.repeat(single.truth, 10), copied.clusters, np.repeat(single.frozen, 10))
    old, new = answers_with(single, 0.6, 1), answers_with(single, 0.7, 2)
    olds, news = (Answers(np.repeat(one.codes, 10), np.repeat(one.confidences, 10)) for one in (old, new))
    alone = compare(single, champion=old, challenger=new, policy=POLICY, relative_latency=1.0)
    together = compare(copied, champion=olds, challenger=news, policy=POLICY, relative_latency=1.0)
    assert together.overall.rows == 1000
    assert together.overall.high - together.overall.low == pytest.approx(
        alone.overall.high - alone.overall.low, rel=0.1
    )


def test_the_frozen_hold_out_is_measured_alone() -> None:
    rows = some_rows()
    old = answers_with(rows, 0.7, 1)
    codes = np.where(rows.frozen, old.codes, rows.truth)  # better on the fresh rows only
    found = compare(
        rows,
        champion=old,
        challenger=Answers(codes, old.confidences),
        policy=POLICY,
        relative_latency=1.0,
        resamples=50,
    )
    assert found.frozen is not None
    assert found.frozen.rows == int(rows.frozen.sum())
    assert found.frozen.observed == 0.0
    assert found.overall.observed > 0


def test_without_a_frozen_hold_out_there_is_nothing_to_guard() -> None:
    rows = some_rows()
    rows = Rows(rows.truth, rows.clusters, np.zeros(len(rows.truth), bool))
    old = answers_with(rows, 0.7, 1)
    assert compare(rows, champion=old, challenger=old, policy=POLICY, relative_latency=1.0, resamples=5).frozen is None


def test_a_class_that_collapses_is_surprising_and_a_steady_one_is_not() -> None:
    rows = some_rows()
    old = answers_with(rows, 0.8, 1)
    collapsed = np.where(rows.truth == 10, 20, old.codes)
    found = compare(
        rows, champion=old, challenger=Answers(collapsed, old.confidences), policy=POLICY, relative_latency=1.0
    )
    p_values = {change.code: change.p_fall for change in found.classes}
    assert p_values[10] < 0.001
    assert p_values[30] > 0.5


def test_being_ever_surer_of_the_same_answers_raises_the_calibration_error() -> None:
    rows = some_rows()
    honest = answers_with(rows, 0.7, 1, confidence=0.75)
    boastful = Answers(honest.codes, np.full(len(honest.codes), 0.99))
    found = compare(rows, champion=honest, challenger=boastful, policy=POLICY, relative_latency=1.0)
    assert 0.1 < found.calibration_increase < 0.3


def test_the_same_rows_give_the_same_evidence_every_time() -> None:
    rows = some_rows()
    pair = {"champion": answers_with(rows, 0.6, 1), "challenger": answers_with(rows, 0.7, 2)}
    first, second = (compare(rows, **pair, policy=POLICY, relative_latency=1.0, resamples=50) for _ in range(2))
    assert first == second


def test_no_rows_are_no_evidence() -> None:
    empty: NDArray[np.int64] = np.zeros(0, np.int64)
    nothing = Answers(empty, np.zeros(0))
    with pytest.raises(ValueError, match="at least one"):
        compare(
            Rows(empty, [], empty.astype(bool)), champion=nothing, challenger=nothing, policy=POLICY, relative_latency=1
        )


def test_answers_take_the_likeliest_column() -> None:
    found = Answers.of(np.array([[0.2, 0.8], [0.9, 0.1]]), (10, 40))
    assert (found.codes.tolist(), found.confidences.tolist()) == ([40, 10], [0.8, 0.9])


def test_the_report_is_plain_json_with_every_number() -> None:
    rows = some_rows()
    old, new = answers_with(rows, 0.6, 1), answers_with(rows, 0.8, 2)
    evidence = Evidence(True, compare(rows, champion=old, challenger=new, policy=POLICY, relative_latency=1.1))
    told = report(evidence, POLICY, decide(evidence, POLICY))
    assert told["outcome"] == "promote"
    assert told["evidence"]["comparison"]["overall"]["rows"] == 600
    assert told["policy"]["confidence"] == 0.8


def test_the_shipped_policy_is_the_gates_default() -> None:
    assert load_policy(ROOT / "mlflow" / "gate.toml") == GatePolicy()


@pytest.mark.parametrize("text", ["confidense = 0.8", "confidence = 2", "confidence = ", 'confidence = "high"'])
def test_a_policy_file_with_a_mistake_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "gate.toml").write_text(text)
    with pytest.raises(BadPolicy, match=r"gate\.toml"):
        load_policy(tmp_path / "gate.toml")


def test_a_missing_policy_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadPolicy):
        load_policy(tmp_path / "none.toml")
