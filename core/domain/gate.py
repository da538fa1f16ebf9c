"""May a challenger replace the champion? A pure decision over plain numbers.

``training/gate.py`` measures the :class:`Evidence`; ``mlflow/gate.toml`` holds the :class:`GatePolicy`.
Every check leaves a reason, passed or not, so that a decision can be read without being computed again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What the gate says."""

    FIRST = "first"  # there is no champion: an intact package becomes it
    PROMOTE = "promote"
    GREY = "grey"  # better, but not surely enough: a person or more labels decide
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """How sure the gate has to be. Scores are shares of one: one point is 0.01.

    Attributes:
        confidence: probability of improvement asked of a retrained model, 0.5 to 1.
        strict_confidence: the same for a new architecture or encoder; at least ``confidence``.
        floor: the 5th percentile of the improvement has to be above this, at most 0.
        alpha: error rate of "falls significantly", for the frozen hold-out and for all classes together.
        class_support: only classes with at least this many rows are guarded.
        class_margin: a class may fall by this much before a fall counts.
        max_calibration_increase: how much the calibration error may surely rise.
        max_relative_latency: challenger's median time for one answer over the champion's.
    """

    confidence: float = 0.80
    strict_confidence: float = 0.95
    floor: float = -0.01
    alpha: float = 0.05
    class_support: int = 30
    class_margin: float = 0.02
    max_calibration_increase: float = 0.02
    max_relative_latency: float = 1.5

    def __post_init__(self) -> None:
        rules = {
            "0.5 <= confidence <= strict_confidence <= 1": 0.5 <= self.confidence <= self.strict_confidence <= 1,
            "-1 <= floor <= 0": -1 <= self.floor <= 0,
            "0 < alpha < 0.5": 0 < self.alpha < 0.5,
            "class_support >= 1": self.class_support >= 1,
            "0 <= class_margin <= 1": 0 <= self.class_margin <= 1,
            "0 <= max_calibration_increase <= 1": 0 <= self.max_calibration_increase <= 1,
            "max_relative_latency >= 1": self.max_relative_latency >= 1,
        }
        broken = [rule for rule, holds in rules.items() if not holds]
        if broken:
            raise ValueError(f"expected {'; '.join(broken)}. Received: {self}")


@dataclass(frozen=True, slots=True)
class Difference:
    """Weighted F1 of the challenger minus the champion's on the same rows, resampled by cluster.

    Attributes:
        rows: how many rows were compared.
        observed: the difference on the rows as they are.
        improves: share of resamples in which the challenger is strictly better.
        worsens: share of resamples in which it is strictly worse.
        low, high: 5th and 95th percentile of the resampled difference.
    """

    rows: int
    observed: float
    improves: float
    worsens: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ClassChange:
    """One class: its F1 under both models, and how surprising its fall beyond the margin is.

    Attributes:
        support: rows of the class among those compared.
        p_fall: p-value, 0 to 1, of "its F1 fell by no more than the policy's ``class_margin``".
    """

    code: int
    support: int
    champion_f1: float
    challenger_f1: float
    p_fall: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """A challenger beside the champion.

    Attributes:
        overall: on the hold-out and the fresh rows together.
        frozen: on the hold-out alone, which never grows; None when it holds no rows.
        classes: every class that occurs among the compared rows.
        calibration_increase: 5th percentile of the resampled rise in expected calibration error.
        relative_latency: median seconds for one answer, challenger over champion.
        same_package: the challenger *is* the champion.
        new_architecture: its architecture or an encoder differs from the champion's.
    """

    overall: Difference
    frozen: Difference | None
    classes: tuple[ClassChange, ...]
    calibration_increase: float
    relative_latency: float
    same_package: bool = False
    new_architecture: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a decision rests on: did the package repeat its golden answers, and how it compares.

    ``comparison`` is None where there is no champion yet.
    """

    golden_answers_hold: bool
    comparison: Comparison | None


@dataclass(frozen=True, slots=True)
class GateDecision:
    """The outcome and every reason for it, in the order in which they were checked."""

    outcome: Outcome
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Check:
    name: str
    passed: bool
    detail: str

    def __str__(self) -> str:
        return f"{'passed' if self.passed else 'FAILED'} {self.name}: {self.detail}"


def decide(evidence: Evidence, policy: GatePolicy) -> GateDecision:
    """Judge a challenger.

    A failed guard refuses. Without one, an improvement that is likely enough and has no deep downside is
    promoted, a less certain improvement is grey, and no improvement is refused.
    """
    golden = _Check("golden answers", evidence.golden_answers_hold, "the package repeats its own recorded answers")
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


def _guards(compared: Comparison, policy: GatePolicy) -> Iterator[_Check]:
    yield _Check(
        "another model",
        not compared.same_package,
        "the challenger is the champion itself" if compared.same_package else "the challenger is not the champion",
    )
    if compared.frozen is not None:
        fell = compared.frozen.worsens > 1 - policy.alpha
        yield _Check("frozen hold-out does not fall", not fell, _describe(compared.frozen))
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


def _class_guard(classes: Sequence[ClassChange], policy: GatePolicy) -> _Check:
    guarded = [change for change in classes if change.support >= policy.class_support]
    fallen = falling_classes(guarded, alpha=policy.alpha)
    named = ", ".join(f"{c.code} ({c.champion_f1:.3f} to {c.challenger_f1:.3f}, p {c.p_fall:.4f})" for c in fallen)
    return _Check(
        "no class falls",
        not fallen,
        f"{named or 'none'} of {len(guarded)} classes with {policy.class_support} rows or more"
        f" fell beyond {policy.class_margin:.3f}",
    )


def falling_classes(classes: Sequence[ClassChange], *, alpha: float) -> list[ClassChange]:
    """The classes that fell significantly, the chance of naming any wrongly being at most ``alpha`` (Holm)."""
    ordered = sorted(classes, key=lambda change: change.p_fall)
    fallen = []
    for rank, change in enumerate(ordered):
        if change.p_fall > alpha / (len(ordered) - rank):
            break
        fallen.append(change)
    return fallen


def _certainty(compared: Comparison, policy: GatePolicy) -> Iterator[_Check]:
    asked = policy.strict_confidence if compared.new_architecture else policy.confidence
    why = "new architecture or encoder" if compared.new_architecture else "same architecture and encoders"
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


def _describe(difference: Difference) -> str:
    return (
        f"weighted F1 {difference.observed:+.4f} on {difference.rows} rows,"
        f" 90 % interval [{difference.low:+.4f}, {difference.high:+.4f}]"
    )
