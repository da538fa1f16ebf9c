"""What holds for every comparison and policy: better evidence never hurts, a stricter policy never helps."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from core.domain.evidence import ClassChange, Comparison, Difference, Evidence, LabelDoubt, Looks, Robustness
from core.domain.gate import GatePolicy, Outcome, decide, significant

ORDER = [Outcome.REFUSE, Outcome.GREY, Outcome.PROMOTE]
share = st.floats(0, 1)
points = st.floats(-1, 1)
count = st.integers(1, 3000)


@st.composite
def differences(draw: st.DrawFn) -> Difference:
    improves = draw(share)
    low, observed, high = sorted(draw(st.tuples(points, points, points)))
    return Difference(draw(count), draw(count), observed, improves, draw(st.floats(0, 1 - improves)), low, high)


comparisons = st.builds(
    Comparison,
    overall=differences(),
    frozen=st.none() | differences(),
    fresh=st.none() | differences(),
    classes=st.lists(st.builds(ClassChange, st.integers(1, 99), count, share, share, share), max_size=4).map(tuple),
    calibration_increase=points,
    relative_latency=st.floats(0.1, 10),
    robustness=st.lists(
        st.builds(Robustness, st.just("blur"), count, share, share, points, points, share), max_size=3
    ).map(tuple),
    new_labels=st.none() | st.builds(LabelDoubt, count, share, share, points),
    looks=st.none() | st.integers(1, 90).map(lambda looks: Looks(looks, looks)),
    new_architecture=st.booleans(),
)


def rank(comparison: Comparison, policy: GatePolicy | None = None) -> int:
    return ORDER.index(decide(Evidence(True, comparison), policy or GatePolicy()).outcome)


@given(comparisons, share)
def test_a_more_probable_improvement_never_lowers_the_outcome(comparison: Comparison, more: float) -> None:
    overall = comparison.overall
    surer = replace(overall, improves=max(overall.improves, more))
    assert rank(replace(comparison, overall=surer)) >= rank(comparison)


@given(comparisons, share)
def test_a_higher_interval_never_lowers_the_outcome(comparison: Comparison, by: float) -> None:
    overall = comparison.overall
    higher = replace(overall, observed=overall.observed + by, low=overall.low + by, high=overall.high + by)
    assert rank(replace(comparison, overall=higher)) >= rank(comparison)


@given(comparisons, share, st.floats(1, 10))
def test_a_guards_worse_number_never_raises_the_outcome(comparison: Comparison, by: float, slower: float) -> None:
    worse = [
        replace(comparison, calibration_increase=comparison.calibration_increase + by),
        replace(comparison, relative_latency=comparison.relative_latency * slower),
        replace(comparison, classes=tuple(replace(one, p_fall=one.p_fall * by) for one in comparison.classes)),
        replace(
            comparison, robustness=tuple(replace(one, p_weaker=one.p_weaker * by) for one in comparison.robustness)
        ),
    ]
    if comparison.new_labels is not None:
        doubt = comparison.new_labels
        worse.append(replace(comparison, new_labels=replace(doubt, low=doubt.low + by)))
    assert all(rank(one) <= rank(comparison) for one in worse)


@given(comparisons, st.floats(0.8, 0.95))
def test_asking_for_more_confidence_never_raises_the_outcome(comparison: Comparison, confidence: float) -> None:
    assert rank(comparison, GatePolicy(confidence=confidence)) <= rank(comparison)
    assert rank(replace(comparison, new_architecture=True)) <= rank(replace(comparison, new_architecture=False))


@given(comparisons, st.integers(1, 40))
def test_more_looks_never_raise_the_outcome(comparison: Comparison, more: int) -> None:
    looks = comparison.looks or Looks(1, 1)
    often = Looks(looks.at_holdout + more, looks.at_champion + more)
    assert rank(replace(comparison, looks=often)) <= rank(replace(comparison, looks=looks))


@given(comparisons)
def test_what_is_promoted_is_better_and_every_reason_says_passed(comparison: Comparison) -> None:
    decision = decide(Evidence(True, comparison), GatePolicy())
    failed = [reason for reason in decision.reasons if reason.startswith("FAILED")]
    assert (decision.outcome is Outcome.PROMOTE) == (not failed)
    if decision.outcome is not Outcome.REFUSE:
        assert comparison.overall.observed > 0
    assert decide(Evidence(False, comparison), GatePolicy()).outcome is Outcome.REFUSE


@given(st.lists(share, max_size=8), st.floats(0.01, 0.2))
def test_holm_names_at_least_what_bonferroni_names_and_at_most_what_no_correction_names(
    p_values: list[float], alpha: float
) -> None:
    named = set(significant(p_values, alpha=alpha))
    assert {place for place, p in enumerate(p_values) if p <= alpha / len(p_values)} <= named
    assert named <= {place for place, p in enumerate(p_values) if p <= alpha}
