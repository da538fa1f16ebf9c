"""The promotion gate, case by case: what promotes, what waits for a person, what is refused, and what is said."""

from dataclasses import replace

import pytest

from core.domain.gate import (
    ClassChange,
    Comparison,
    Difference,
    Evidence,
    GateDecision,
    GatePolicy,
    Outcome,
    decide,
    falling_classes,
)

POLICY = GatePolicy()
CLEARLY_BETTER = Difference(rows=600, observed=0.02, improves=0.97, worsens=0.03, low=0.003, high=0.037)
EQUAL = Difference(rows=600, observed=0.0, improves=0.0, worsens=0.0, low=0.0, high=0.0)
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
    first = replace(STEADY_CLASS, code=1, p_fall=0.001)
    second = replace(STEADY_CLASS, code=2, p_fall=0.04)
    assert [c.code for c in falling_classes([second, first], alpha=0.05)] == [1, 2]
    assert falling_classes([second, replace(second, code=3)], alpha=0.05) == []


def test_a_falling_frozen_hold_out_blocks_a_gain_on_fresh_rows() -> None:
    falling = Difference(rows=500, observed=-0.02, improves=0.02, worsens=0.98, low=-0.04, high=-0.002)
    decision = judged(replace(BETTER, frozen=falling))
    assert decision.outcome is Outcome.REFUSE
    assert failures(decision) == ["frozen hold-out does not fall"]


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
    assert len(promoted.reasons) == len(refused.reasons) == 9
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
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(broken: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="Received"):
        GatePolicy(**broken)
