"""What the promotion gate decides on: a challenger beside the champion, in plain finite numbers."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any


class _Finite:
    """Refuses numbers that compare with nothing: a check that meets NaN would pass or fail by how it is written."""

    __slots__ = ()

    def __post_init__(self) -> None:
        wrong = [name for name, value in _numbers(self) if not math.isfinite(value)]
        if wrong:
            raise ValueError(f"expected finite numbers. Received: {self}, where {', '.join(wrong)} is none")


def _numbers(evidence: Any) -> Iterator[tuple[str, float]]:
    for field in fields(evidence):
        value = getattr(evidence, field.name)
        if isinstance(value, float):
            yield field.name, value


@dataclass(frozen=True, slots=True)
class Difference(_Finite):
    """Weighted F1 of the challenger minus the champion's on the same rows, resampled by cluster.

    Attributes:
        rows: how many rows were compared.
        clusters: how many distinct products they are.
        observed: the difference on the rows as they are.
        improves: share of resamples in which the challenger is better by more than the policy's ``least_gain``.
        worsens: share of resamples in which it is strictly worse.
        low, high: 5th and 95th percentile of the resampled difference.
    """

    rows: int
    clusters: int
    observed: float
    improves: float
    worsens: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ClassChange(_Finite):
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
class Robustness(_Finite):
    """One disturbance: what it costs both models on the same rows.

    Attributes:
        disturbance: such as ``blur``, ``typos`` or ``text only``.
        rows: how many rows were disturbed.
        champion_f1, challenger_f1: weighted F1 on the disturbed rows.
        champion_fall, challenger_fall: how much lower that is than on the same rows as they are.
        p_weaker: p-value, 0 to 1, of "disturbed, it is below the champion by no more than the policy's
            ``robustness_margin``".
    """

    disturbance: str
    rows: int
    champion_f1: float
    challenger_f1: float
    champion_fall: float
    challenger_fall: float
    p_weaker: float


@dataclass(frozen=True, slots=True)
class LabelDoubt(_Finite):
    """What the champion makes of labels that it has not learnt.

    It contradicts some right labels too. How many follows from its confidence, and by how much its confidence is off
    shows on the frozen hold-out, whose labels are trusted. What goes beyond is doubtful: wrong labels, or products of
    a kind that the champion does not know.

    Attributes:
        rows: new rows the challenger learnt from, of classes that the champion knows.
        contradicted: share of them that the champion answers otherwise.
        expected: the share to expect if the labels were as good as the hold-out's.
        low: 5th percentile of ``contradicted - expected``, both resampled by cluster.
    """

    rows: int
    contradicted: float
    expected: float
    low: float


@dataclass(frozen=True, slots=True)
class Looks:
    """How often the frozen hold-out has been looked at, this judgement included.

    Attributes:
        at_holdout: pairs of a challenger and a champion ever judged on it.
        at_champion: those among them that were judged against the present champion.
    """

    at_holdout: int
    at_champion: int


@dataclass(frozen=True, slots=True)
class Comparison(_Finite):
    """A challenger beside the champion.

    Attributes:
        overall: on the hold-out and the fresh rows together.
        frozen: on the hold-out alone, which never grows; None when it holds no rows.
        classes: every class that occurs among the compared rows.
        calibration_increase: 5th percentile of the resampled rise in expected calibration error.
        relative_latency: median seconds for one answer, challenger over champion.
        fresh: on the fresh rows alone; None when there are none.
        robustness: by disturbance; empty when none was tried.
        new_labels: None when the challenger learnt no new rows that could be looked at.
        looks: None when they are not counted.
        same_package: the challenger *is* the champion.
        new_architecture: its architecture or an encoder differs from the champion's.
    """

    overall: Difference
    frozen: Difference | None
    classes: tuple[ClassChange, ...]
    calibration_increase: float
    relative_latency: float
    fresh: Difference | None = None
    robustness: tuple[Robustness, ...] = ()
    new_labels: LabelDoubt | None = None
    looks: Looks | None = None
    same_package: bool = False
    new_architecture: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a decision rests on: did the package repeat its golden answers, and how it compares.

    ``comparison`` is None where there is no champion yet.
    """

    golden_answers_hold: bool
    comparison: Comparison | None
