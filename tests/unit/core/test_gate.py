"""The promotion gate, case by case: what promotes, what waits for a person, what is refused, and what is said."""

from dataclasses import replace

import pytest

from core.domain.evidence import ClassChange, Comparison, Difference, Evidence, LabelDoubt, Looks, Robustness
from core.domain.gate import GateDecision, GatePolicy, Outcome, accompany, decide, significant

POLICY = GatePolicy()
CLEARLY_BETTER = Difference(rows=600, clusters=590, observed=0.02, improves=0.97, worsens=0.03, low=0.003, high=0.037)
EQUAL = Difference(rows=600, clusters=590, observed=0.0, improves=0.0, worsens=0.0, low=0.0, high=0.0)
STEADY_CLASS = ClassChange(code=10, support=100, champion_f1=0.80, challenger_f1=0.82, p_fall=0.9)
BETTER = Comparison(
    overall=CLEARLY_BETTER,
    frozen=CLEARLY_BETTER,
    classes=(STEADY_CLASS,),
    calibration_increase=-0.01,
    relative_latency=1.0,
)


def judged(comparison: Comparison | None, *, golden: bool = True, policy: GatePolicy = POLICY) -> GateDecision:
    return decide(Evidence(golden_answers_hold=golden, comparison=comparison), policy)


def failures(decision: GateDecision) -> list[str]:
    return [reason.split(":")[0].removeprefix("FAILED ") for reason in decision.reasons if reason.startswith("FAILED")]


def test_a_first_model_without_a_champion_is_promoted_as_first() -> None:
    assert judged(None).outcome is Outcome.FIRST


def test_a_first_model_that_forgot_its_golden_answers_is_refused() -> None:
    assert judged(None, golden=False).outcome is Outcome.REFUSE


def test_a_clearly_better_model_is_promoted() -> None:
    decision = judged(BETTER)
    assert decision.outcome is Outcome.PROMOTE
    assert failures(decision) == []


def test_an_improvement_that_is_not_sure_enough_waits_for_a_person() -> None:
    unsure = replace(CLEARLY_BETTER, observed=0.004, improves=0.7, low=-0.006)
    decision = judged(replace(BETTER, overall=unsure))
    assert decision.outcome is Outcome.GREY
    assert failures(decision) == ["likely better"]


def test_a_likely_improvement_with_a_deep_downside_waits_for_a_person() -> None:
    risky = replace(CLEARLY_BETTER, improves=0.85, low=-0.02)
    decision = judged(replace(BETTER, overall=risky))
    assert decision.outcome is Outcome.GREY
    assert failures(decision) == ["no deep downside"]


def test_a_worse_model_is_refused_however_wide_the_interval() -> None:
    worse = replace(CLEARLY_BETTER, observed=-0.001, improves=0.49)
    assert judged(replace(BETTER, overall=worse)).outcome is Outcome.REFUSE


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.95])
def test_equal_models_are_not_promoted_at_any_confidence(confidence: float) -> None:
    policy = GatePolicy(confidence=confidence, strict_confidence=max(confidence, 0.95))
    assert judged(replace(BETTER, overall=EQUAL, frozen=EQUAL), policy=policy).outcome is Outcome.REFUSE


def test_a_new_architecture_needs_the_strict_confidence() -> None:
    likely = replace(BETTER, overall=replace(CLEARLY_BETTER, improves=0.9))
    assert judged(likely).outcome is Outcome.PROMOTE
    assert judged(replace(likely, new_architecture=True)).outcome is Outcome.GREY
    assert judged(replace(BETTER, new_architecture=True)).outcome is Outcome.PROMOTE


def test_one_class_falling_too_far_blocks_a_better_average() -> None:
    fallen = ClassChange(code=40, support=60, champion_f1=0.9, challenger_f1=0.6, p_fall=0.0005)
    decision = judged(replace(BETTER, classes=(STEADY_CLASS, fallen)))
    assert decision.outcome is Outcome.REFUSE
    assert failures(decision) == ["no class falls"]
    assert any("40 (0.900 to 0.600" in reason for reason in decision.reasons)


def test_a_class_with_too_few_rows_blocks_nothing() -> None:
    rare = ClassChange(code=40, support=29, champion_f1=0.9, challenger_f1=0.1, p_fall=0.0005)
    assert judged(replace(BETTER, classes=(STEADY_CLASS, rare))).outcome is Outcome.PROMOTE


def test_one_small_p_value_among_many_classes_blocks_nothing() -> None:
    unlucky = ClassChange(code=1, support=60, champion_f1=0.8, challenger_f1=0.75, p_fall=0.03)
    others = tuple(replace(STEADY_CLASS, code=code) for code in range(2, 28))
    assert judged(replace(BETTER, classes=(unlucky, *others))).outcome is Outcome.PROMOTE
    assert judged(replace(BETTER, classes=(unlucky,))).outcome is Outcome.REFUSE


def test_after_the_first_class_is_named_the_next_one_is_tested_less_strictly() -> None:
    assert significant([0.04, 0.001], alpha=0.05) == [1, 0]
    assert significant([0.04, 0.04], alpha=0.05) == []
    assert significant([0.04, 0.01, 0.5, 0.03], alpha=0.05) == [1]
    assert significant([0.04, 0.01, 0.5, 0.03], alpha=0.1) == [1, 3, 0]
    assert significant([], alpha=0.05) == []


def test_a_falling_frozen_hold_out_blocks_a_gain_on_fresh_rows() -> None:
    falling = Difference(rows=500, clusters=490, observed=-0.02, improves=0.02, worsens=0.98, low=-0.04, high=-0.002)
    decision = judged(replace(BETTER, frozen=falling))
    assert decision.outcome is Outcome.REFUSE
    assert failures(decision) == ["frozen hold-out does not fall", "frozen hold-out agrees"]


def test_a_gain_that_only_fresh_rows_show_waits_for_a_person() -> None:
    """Fresh rows got their labels from the reviewers whose labels the challenger learnt."""
    unmoved = replace(EQUAL, observed=-0.001, improves=0.4, worsens=0.5, low=-0.01, high=0.01)
    decision = judged(replace(BETTER, frozen=unmoved))
    assert decision.outcome is Outcome.GREY
    assert failures(decision) == ["frozen hold-out agrees"]


def test_falling_fresh_rows_block_a_gain_on_the_frozen_hold_out() -> None:
    falling = Difference(rows=60, clusters=60, observed=-0.1, improves=0.01, worsens=0.99, low=-0.2, high=-0.01)
    assert failures(judged(replace(BETTER, fresh=falling))) == ["fresh rows do not fall"]
    assert judged(replace(BETTER, fresh=replace(falling, rows=29))).outcome is Outcome.PROMOTE


def test_few_products_promote_nothing_however_clear_they_are() -> None:
    few = Difference(rows=400, clusters=29, observed=0.1, improves=1.0, worsens=0.0, low=0.05, high=0.15)
    decision = judged(replace(BETTER, overall=few))
    assert decision.outcome is Outcome.GREY
    assert failures(decision) == ["enough products"]


BLUR = Robustness(
    disturbance="blur",
    rows=200,
    champion_f1=0.75,
    challenger_f1=0.76,
    champion_fall=0.05,
    challenger_fall=0.06,
    p_weaker=0.6,
)


def test_a_challenger_that_surely_stands_disturbances_worse_is_refused_and_told_which() -> None:
    weaker = replace(BLUR, disturbance="typos", challenger_f1=0.62, challenger_fall=0.2, p_weaker=0.001)
    decision = judged(replace(BETTER, robustness=(BLUR, weaker)))
    assert decision.outcome is Outcome.REFUSE
    assert failures(decision) == ["robustness"]
    assert any("typos: 0.620 after a fall of +0.200, the champion 0.750" in reason for reason in decision.reasons)


def test_one_unlucky_disturbance_among_six_blocks_nothing() -> None:
    unlucky = replace(BLUR, disturbance="typos", challenger_fall=0.12, p_weaker=0.03)
    assert judged(replace(BETTER, robustness=(unlucky, *[BLUR] * 5))).outcome is Outcome.PROMOTE
    assert judged(replace(BETTER, robustness=(unlucky,))).outcome is Outcome.REFUSE


def test_labels_that_the_champion_contradicts_beyond_expectation_wait_for_a_person() -> None:
    doubtful = LabelDoubt(rows=300, contradicted=0.32, expected=0.16, low=0.11)
    decision = judged(replace(BETTER, new_labels=doubtful))
    assert decision.outcome is Outcome.GREY
    assert failures(decision) == ["new labels agree"]
    assert judged(replace(BETTER, new_labels=replace(doubtful, low=0.04))).outcome is Outcome.PROMOTE


def test_after_many_looks_against_one_champion_the_next_challenger_has_to_be_surer() -> None:
    likely = replace(BETTER, overall=replace(CLEARLY_BETTER, improves=0.9))
    often = Looks(at_holdout=51, at_champion=51)
    assert judged(replace(likely, looks=Looks(at_holdout=300, at_champion=50))).outcome is Outcome.PROMOTE
    decision = judged(replace(likely, looks=often))
    assert decision.outcome is Outcome.GREY
    assert any("look 51 at this hold-out, 51 of them against this champion" in reason for reason in decision.reasons)
    assert judged(replace(BETTER, looks=often)).outcome is Outcome.PROMOTE


def test_a_companion_needs_its_golden_answers_and_no_gain() -> None:
    worse = replace(BETTER, overall=replace(CLEARLY_BETTER, observed=-0.05))
    assert accompany(Evidence(True, worse)).outcome is Outcome.COMPANION
    assert accompany(Evidence(True, None)).outcome is Outcome.COMPANION
    assert accompany(Evidence(False, worse)).outcome is Outcome.REFUSE


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf")])
def test_evidence_that_is_no_number_is_never_judged(wrong: float) -> None:
    for changes in ({"calibration_increase": wrong}, {"relative_latency": wrong}):
        with pytest.raises(ValueError, match="finite"):
            replace(BETTER, **changes)
    with pytest.raises(ValueError, match="finite"):
        replace(CLEARLY_BETTER, worsens=wrong)
    with pytest.raises(ValueError, match="finite"):
        replace(STEADY_CLASS, p_fall=wrong)


def test_a_missing_frozen_hold_out_blocks_nothing() -> None:
    assert judged(replace(BETTER, frozen=None)).outcome is Outcome.PROMOTE


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"calibration_increase": 0.021}, "calibration"),
        ({"relative_latency": 1.51}, "latency"),
        ({"same_package": True}, "another model"),
    ],
)
def test_a_failed_guard_refuses_a_better_average_and_is_named(change: dict[str, object], named: str) -> None:
    decision = judged(replace(BETTER, **change))
    assert decision.outcome is Outcome.REFUSE
    assert failures(decision) == [named]


def test_forgotten_golden_answers_refuse_a_better_average() -> None:
    assert failures(judged(BETTER, golden=False)) == ["golden answers"]


def test_every_check_leaves_a_reason_whether_it_passed_or_not() -> None:
    promoted, refused = judged(BETTER), judged(replace(BETTER, relative_latency=9.0, calibration_increase=0.5))
    assert len(promoted.reasons) == len(refused.reasons) == 11
    assert len(failures(refused)) == 2


@pytest.mark.parametrize(
    "broken",
    [
        {"confidence": 0.4},
        {"confidence": 0.96},
        {"strict_confidence": 1.1},
        {"floor": 0.01},
        {"alpha": 0.0},
        {"class_support": 0},
        {"class_margin": -0.1},
        {"max_relative_latency": 0.9},
        {"fewest_clusters": 1},
        {"least_gain": -0.001},
        {"looks_until_strict": 0},
        {"robustness_margin": -0.1},
        {"max_label_doubt": 1.1},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(broken: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="Received"):
        GatePolicy(**broken)
