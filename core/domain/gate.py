"""May a challenger replace the champion? A pure decision over plain numbers.

``training/gate.py`` measures the :class:`Evidence`; ``mlflow/gate.toml`` holds the :class:`GatePolicy`.
Every check leaves a reason, passed or not, so that a decision can be read without being computed again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from core.domain.evidence import ClassChange, Comparison, Difference, Evidence, LabelDoubt, Looks


class Outcome(StrEnum):
    """What the gate says."""

    FIRST = "first"  # there is no champion: an intact package becomes it
    PROMOTE = "promote"
    GREY = "grey"  # better, but not surely enough: a person or more labels decide
    REFUSE = "refuse"
    COMPANION = "companion"  # not gated: it may be released beside the gated model


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """How sure the gate has to be. Scores are shares of one: one point is 0.01.

    Attributes:
        confidence: probability of improvement asked of a retrained model, 0.5 to 1.
        strict_confidence: the same for a new architecture or encoder, and after many looks; at least ``confidence``.
        least_gain: a smaller gain counts as none when the probability of improvement is taken.
        floor: the 5th percentile of the improvement has to be above this, at most 0.
        fewest_clusters: fewer distinct products than this promote nothing.
        looks_until_strict: judgements against one champion on one hold-out after which the next is strict.
        alpha: error rate of "falls significantly", for each of the hold-outs, for all classes together and for all
            disturbances together.
        class_support: only classes with at least this many rows are guarded, and fresh rows only from this many on.
        class_margin: a class may fall by this much before a fall counts.
        max_calibration_increase: how much the calibration error may surely rise.
        max_relative_latency: challenger's median time for one answer over the champion's.
        robustness_margin: how far below the champion a challenger may be when products are disturbed.
        max_label_doubt: share of the new labels that may surely be doubtful.
    """

    confidence: float = 0.80
    strict_confidence: float = 0.95
    least_gain: float = 0.001
    floor: float = -0.01
    fewest_clusters: int = 30
    looks_until_strict: int = 50
    alpha: float = 0.05
    class_support: int = 30
    class_margin: float = 0.03
    max_calibration_increase: float = 0.02
    max_relative_latency: float = 1.5
    robustness_margin: float = 0.05
    max_label_doubt: float = 0.05

    def __post_init__(self) -> None:
        rules = {
            "0.5 <= confidence <= strict_confidence <= 1": 0.5 <= self.confidence <= self.strict_confidence <= 1,
            "0 <= least_gain <= 1": 0 <= self.least_gain <= 1,
            "-1 <= floor <= 0": -1 <= self.floor <= 0,
            "fewest_clusters >= 2": self.fewest_clusters >= 2,
            "looks_until_strict >= 1": self.looks_until_strict >= 1,
            "0 < alpha < 0.5": 0 < self.alpha < 0.5,
            "class_support >= 1": self.class_support >= 1,
            "0 <= class_margin <= 1": 0 <= self.class_margin <= 1,
            "0 <= max_calibration_increase <= 1": 0 <= self.max_calibration_increase <= 1,
            "max_relative_latency >= 1": self.max_relative_latency >= 1,
            "0 <= robustness_margin <= 1": 0 <= self.robustness_margin <= 1,
            "0 <= max_label_doubt <= 1": 0 <= self.max_label_doubt <= 1,
        }
        broken = [rule for rule, holds in rules.items() if not holds]
        if broken:
            raise ValueError(f"expected {'; '.join(broken)}. Received: {self}")


@dataclass(frozen=True, slots=True)
class GateDecision:
    """The outcome and every reason for it, in the order in which they were checked."""

    outcome: Outcome
    reasons: tuple[str, ...]


class _Check(NamedTuple):
    name: str
    passed: bool
    detail: str

    def __str__(self) -> str:
        return f"{'passed' if self.passed else 'FAILED'} {self.name}: {self.detail}"


def decide(evidence: Evidence, policy: GatePolicy) -> GateDecision:
    """Judge a challenger.

    A failed guard refuses. Without one, an improvement that is sure enough is promoted, a less certain improvement
    is grey, and no improvement is refused.
    """
    golden = _golden(evidence.golden_answers_hold)
    compared = evidence.comparison
    if compared is None:
        if golden.passed:
            return GateDecision(Outcome.FIRST, (str(golden), "there is no champion to compare with"))
        return GateDecision(Outcome.REFUSE, (str(golden), "a package that is not intact is not compared"))
    guards = [golden, *_guards(compared, policy)]
    better = _Check("better", compared.overall.observed > 0, _describe(compared.overall))
    sure = list(_certainty(compared, policy))
    reasons = tuple(str(check) for check in [*guards, better, *sure])
    if not better.passed or not all(guard.passed for guard in guards):
        return GateDecision(Outcome.REFUSE, reasons)
    return GateDecision(Outcome.PROMOTE if all(check.passed for check in sure) else Outcome.GREY, reasons)


def accompany(evidence: Evidence) -> GateDecision:
    """Judge a companion, a model that is released beside the gated one: an intact package may be.

    How it compares with the companion of its name is told, and decides nothing.
    """
    golden = _golden(evidence.golden_answers_hold)
    compared = evidence.comparison
    told = _describe(compared.overall) if compared else "no companion of this name is released"
    outcome = Outcome.COMPANION if golden.passed else Outcome.REFUSE
    return GateDecision(outcome, (str(golden), f"not gated, beside the released companion: {told}"))


def _golden(hold: bool) -> _Check:
    told = "the package repeats its own recorded answers" if hold else "the package forgot its own recorded answers"
    return _Check("golden answers", hold, told)


def _guards(compared: Comparison, policy: GatePolicy) -> Iterator[_Check]:
    yield _Check(
        "another model",
        not compared.same_package,
        "the challenger is the champion itself" if compared.same_package else "the challenger is not the champion",
    )
    if compared.frozen is not None:
        yield _steady("frozen hold-out does not fall", compared.frozen, policy)
    if compared.fresh is not None and compared.fresh.rows >= policy.class_support:
        yield _steady("fresh rows do not fall", compared.fresh, policy)
    yield _class_guard(compared.classes, policy)
    yield _Check(
        "calibration",
        compared.calibration_increase <= policy.max_calibration_increase,
        f"its error changes by {compared.calibration_increase:+.4f} or more in 95 of 100 draws,"
        f" allowed {policy.max_calibration_increase:+.4f}",
    )
    yield _Check(
        "latency",
        compared.relative_latency <= policy.max_relative_latency,
        f"{compared.relative_latency:.2f} times the champion's, allowed {policy.max_relative_latency:.2f}",
    )
    if compared.robustness:
        yield _robustness_guard(compared, policy)


def _steady(name: str, difference: Difference, policy: GatePolicy) -> _Check:
    return _Check(name, difference.worsens <= 1 - policy.alpha, _describe(difference))


def _class_guard(classes: Sequence[ClassChange], policy: GatePolicy) -> _Check:
    guarded = [change for change in classes if change.support >= policy.class_support]
    fallen = [guarded[place] for place in significant([one.p_fall for one in guarded], alpha=policy.alpha)]
    named = ", ".join(f"{c.code} ({c.champion_f1:.3f} to {c.challenger_f1:.3f}, p {c.p_fall:.4f})" for c in fallen)
    return _Check(
        "no class falls",
        not fallen,
        f"{named or 'none'} of {len(guarded)} classes with {policy.class_support} rows or more"
        f" fell beyond {policy.class_margin:.3f}",
    )


def _robustness_guard(compared: Comparison, policy: GatePolicy) -> _Check:
    tried = compared.robustness
    weaker = [tried[place] for place in significant([one.p_weaker for one in tried], alpha=policy.alpha)]
    shown = weaker or [min(tried, key=lambda one: one.challenger_f1 - one.champion_f1)]
    told = ", ".join(
        f"{one.disturbance}: {one.challenger_f1:.3f} after a fall of {one.challenger_fall:+.3f},"
        f" the champion {one.champion_f1:.3f} after {one.champion_fall:+.3f}"
        for one in shown
    )
    said = f"{len(weaker) or 'none'} of {len(tried)} disturbances"
    return _Check(
        "robustness", not weaker, f"{said} surely put it {policy.robustness_margin:.3f} below the champion ({told})"
    )


def significant(p_values: Sequence[float], *, alpha: float) -> list[int]:
    """Positions of the p-values that are significant together, most surprising first (Holm 1979).

    The chance of naming any of them wrongly is at most ``alpha``, however many there are.
    """
    named = []
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if p_values[place] > alpha / (len(p_values) - rank):
            break
        named.append(place)
    return named


def _certainty(compared: Comparison, policy: GatePolicy) -> Iterator[_Check]:
    asked, why = _confidence_asked(compared, policy)
    yield _Check(
        "likely better",
        compared.overall.improves >= asked,
        f"P(improves) {compared.overall.improves:.3f}, asked {asked:.2f} ({why})",
    )
    yield _Check(
        "no deep downside",
        compared.overall.low > policy.floor,
        f"5th percentile {compared.overall.low:+.4f}, floor {policy.floor:+.4f}",
    )
    yield _Check(
        "enough products",
        compared.overall.clusters >= policy.fewest_clusters,
        f"{compared.overall.clusters} distinct ones, asked {policy.fewest_clusters}",
    )
    if compared.frozen is not None:
        yield _Check("frozen hold-out agrees", compared.frozen.observed >= 0, _describe(compared.frozen))
    if compared.new_labels is not None:
        yield _label_check(compared.new_labels, policy)


def _confidence_asked(compared: Comparison, policy: GatePolicy) -> tuple[float, str]:
    if compared.new_architecture:
        return policy.strict_confidence, "new architecture or encoder"
    looks = compared.looks
    if looks is not None and looks.at_champion > policy.looks_until_strict:
        return policy.strict_confidence, f"strict: {_describe_looks(looks)}"
    told = f"; {_describe_looks(looks)}" if looks is not None else ""
    return policy.confidence, f"same architecture and encoders{told}"


def _describe_looks(looks: Looks) -> str:
    return f"look {looks.at_holdout} at this hold-out, {looks.at_champion} of them against this champion"


def _label_check(doubt: LabelDoubt, policy: GatePolicy) -> _Check:
    return _Check(
        "new labels agree",
        doubt.low <= policy.max_label_doubt,
        f"the champion contradicts {doubt.contradicted:.3f} of {doubt.rows} labels that it has not learnt, where its"
        f" confidence and the hold-out lead to expect {doubt.expected:.3f}; surely doubtful {doubt.low:+.3f},"
        f" allowed {policy.max_label_doubt:+.3f}",
    )


def _describe(difference: Difference) -> str:
    return (
        f"weighted F1 {difference.observed:+.4f} on {difference.rows} rows,"
        f" 90 % interval [{difference.low:+.4f}, {difference.high:+.4f}]"
    )
