"""What the gate measures: the right scores, clusters kept whole, and p-values that mean what they say."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from core.domain.evidence import Comparison, Evidence
from core.domain.gate import GatePolicy, Outcome, decide
from training.draws import Answers, NotFinite, Rows
from training.gate import RESAMPLES, BadPolicy, Disturbed, compare, doubt_labels, enough_draws, load_policy, report

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


@given(
    st.lists(
        st.tuples(*[st.sampled_from([10, 20, 30])] * 3, st.integers(0, 3), st.booleans()), min_size=1, max_size=12
    ),
    st.floats(0, 1),
)
@settings(max_examples=25, deadline=None)
def test_no_exam_however_small_gives_a_number_that_is_none(
    exam: list[tuple[int, int, int, int, bool]], confidence: float
) -> None:
    """Tiny classes, a single cluster, no fresh or no frozen rows, classes that nobody answers."""
    truth, old, new, clusters, frozen = (list(column) for column in zip(*exam, strict=True))
    sure = np.full(len(truth), confidence)
    found = compare(
        Rows(np.array(truth), [f"c{one}" for one in clusters], np.array(frozen)),
        champion=Answers(np.array(old), sure),
        challenger=Answers(np.array(new), sure),
        policy=POLICY,
        relative_latency=1.0,
        resamples=20,
    )  # evidence that is not finite cannot be made
    assert (found.frozen is None, found.fresh is None) == (not any(frozen), all(frozen))
    assert 0 <= found.overall.improves + found.overall.worsens <= 1 + 1e-9
    assert decide(Evidence(True, found), POLICY).outcome is not Outcome.PROMOTE  # too few products
    if old == new:
        assert (found.overall.observed, found.overall.improves) == (0.0, 0.0)


def test_one_product_copied_a_thousand_times_is_one_product() -> None:
    rows = Rows(np.full(1000, 10), ["same"] * 1000, np.ones(1000, bool))
    old, new = Answers(np.full(1000, 20), np.ones(1000)), Answers(np.full(1000, 10), np.ones(1000))
    found = compare(rows, champion=old, challenger=new, policy=POLICY, relative_latency=1.0, resamples=50)
    assert (found.overall.clusters, found.overall.improves) == (1, 1.0)
    assert decide(Evidence(True, found), POLICY).outcome is Outcome.GREY


def test_fresh_and_frozen_rows_are_measured_apart() -> None:
    rows = some_rows()
    old = answers_with(rows, 0.7, 1)
    new = Answers(np.where(rows.frozen, rows.truth, old.codes), old.confidences)
    found = compare(rows, champion=old, challenger=new, policy=POLICY, relative_latency=1.0, resamples=50)
    assert found.frozen is not None
    assert found.fresh is not None
    assert (found.frozen.rows, found.fresh.rows) == (540, 60)
    assert (found.frozen.observed > 0.2, found.fresh.observed) == (True, 0.0)


def test_probabilities_that_are_none_are_refused() -> None:
    with pytest.raises(NotFinite):
        Answers.of(np.array([[0.5, np.nan]]), (10, 20))


def disturbed_by(rows: Rows, clean: tuple[float, float], disturbed: tuple[float, float]) -> Comparison:
    """Champion and challenger with these accuracies, before and after."""
    old, new = (answers_with(rows, accuracy, 10 + turn) for turn, accuracy in enumerate(clean))
    worse = [answers_with(rows, accuracy, 20 + turn) for turn, accuracy in enumerate(disturbed)]
    tried = [Disturbed("blur", rows, (old, worse[0]), (new, worse[1]))]
    return compare(rows, champion=old, challenger=new, policy=POLICY, relative_latency=1.0, disturbed=tried)


def test_a_challenger_that_blur_puts_far_below_the_champion_is_refused() -> None:
    found = disturbed_by(some_rows(), clean=(0.7, 0.8), disturbed=(0.65, 0.4))
    assert found.robustness[0].challenger_fall > 0.2 > found.robustness[0].champion_fall
    assert found.robustness[0].p_weaker < 0.01
    assert decide(Evidence(True, found), POLICY).outcome is Outcome.REFUSE


def test_a_better_model_may_lose_more_as_long_as_it_stays_as_good() -> None:
    found = disturbed_by(some_rows(), clean=(0.5, 0.9), disturbed=(0.45, 0.5))
    assert found.robustness[0].challenger_fall > found.robustness[0].champion_fall + POLICY.robustness_margin
    assert decide(Evidence(True, found), POLICY).outcome is Outcome.PROMOTE


def test_noise_on_few_disturbed_rows_refuses_nobody() -> None:
    found = disturbed_by(some_rows(60), clean=(0.5, 0.9), disturbed=(0.5, 0.44))
    assert found.robustness[0].p_weaker > 0.05


def new_rows(flipped: float, seed: int = 3) -> tuple[Rows, Answers]:
    """300 new rows that a champion of accuracy 0.8 answers, a share of whose labels is wrong."""
    rows = some_rows(300, seed=seed)
    said = answers_with(rows, 0.8, seed, confidence=0.83)
    random = np.random.default_rng(seed)
    wrong = np.where(random.random(300) < flipped, (rows.truth + 10) % 60, rows.truth)
    return Rows(wrong, rows.clusters, np.zeros(300, bool)), said


def test_flipped_new_labels_are_doubtful_and_right_ones_are_not() -> None:
    holdout = some_rows()
    heard = answers_with(holdout, 0.8, 1, confidence=0.83)
    right, poisoned = (doubt_labels(holdout, heard, *new_rows(flipped)) for flipped in (0.0, 0.2))
    assert right is not None
    assert poisoned is not None
    assert right.low <= 0 < POLICY.max_label_doubt < poisoned.low
    assert poisoned.contradicted > poisoned.expected + 0.1


def test_a_champion_that_is_unsure_of_hard_new_rows_casts_no_doubt_on_their_labels() -> None:
    """Reviewers see the least certain products first: more of them are contradicted, and that is expected."""
    holdout, hard = some_rows(), some_rows(300, seed=4)
    heard = answers_with(holdout, 0.8, 1, confidence=0.83)
    found = doubt_labels(holdout, heard, hard, answers_with(hard, 0.4, 4, confidence=0.5))
    assert found is not None
    assert found.contradicted > 0.4
    assert found.low <= POLICY.max_label_doubt


def test_without_new_rows_or_without_a_hold_out_no_label_is_doubted() -> None:
    rows, nothing = some_rows(), Rows(np.zeros(0, np.int64), [], np.zeros(0, bool))
    heard, silence = answers_with(rows, 0.8, 1), Answers(np.zeros(0, np.int64), np.zeros(0))
    assert doubt_labels(rows, heard, nothing, silence) is None
    assert doubt_labels(nothing, silence, rows, heard) is None


@pytest.mark.parametrize("classes", [2, 27, 200])
def test_there_are_enough_draws_for_one_class_among_many_to_be_named(classes: int) -> None:
    draws = enough_draws(RESAMPLES, classes, POLICY.alpha)
    assert draws >= RESAMPLES
    assert 1 / (1 + draws) <= POLICY.alpha / classes


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
