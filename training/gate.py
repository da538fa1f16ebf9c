"""Measures what the gate decides on: champion and challenger on the same rows, resampled by cluster.

Copies of one product stand or fall together, so whole clusters are drawn, and each draw scores both models on
the same clusters: what is common to them cancels out. Every score is a function of sums over rows, so one
matrix product per draw gives F1, per-class F1 and calibration error at once.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.domain.gate import ClassChange, Comparison, Difference, Evidence, GateDecision, GatePolicy
from core.errors import Invalid
from training.evaluate import BINS

RESAMPLES = 2000
_CHUNK = 200  # draws scored at once: bounds memory
_SEED = 20261121


class BadPolicy(Invalid):
    """The policy file has a name the gate does not know, or a number that makes no sense."""

    code = "gate.bad_policy"


def load_policy(path: Path) -> GatePolicy:
    """Read ``gate.toml``; a number that is left out keeps its default.

    Raises:
        BadPolicy: no TOML, an unknown name, or a number out of its range.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        unknown = set(values) - {field.name for field in fields(GatePolicy)}
        if unknown:
            raise BadPolicy(f"{path}: unknown names {sorted(unknown)}")
        return GatePolicy(**values)
    except (OSError, ValueError, TypeError) as error:
        raise BadPolicy(f"{path}: {error}") from error


@dataclass(frozen=True, slots=True)
class Answers:
    """What one model answered: ``codes`` (n,) int64, ``confidences`` (n,) float64 in [0, 1]."""

    codes: NDArray[np.int64]
    confidences: NDArray[np.float64]

    @classmethod
    def of(cls, probabilities: NDArray[np.float64], columns: Sequence[int]) -> Self:
        """The likeliest code of each row of ``(n, classes)`` probabilities whose columns are ``columns``."""
        best = probabilities.argmax(axis=1)
        return cls(np.asarray(columns, np.int64)[best], probabilities[np.arange(len(best)), best])


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows both models answered.

    Attributes:
        truth: (n,) int64, accepted codes.
        clusters: cluster of each row.
        frozen: (n,) bool, the rows of the frozen hold-out.
    """

    truth: NDArray[np.int64]
    clusters: Sequence[str]
    frozen: NDArray[np.bool_]

    def only_frozen(self) -> "Rows":
        """The frozen hold-out alone."""
        kept = np.flatnonzero(self.frozen)
        return Rows(self.truth[kept], [self.clusters[row] for row in kept], self.frozen[kept])


def compare(
    rows: Rows,
    *,
    champion: Answers,
    challenger: Answers,
    policy: GatePolicy,
    relative_latency: float,
    same_package: bool = False,
    new_architecture: bool = False,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Everything the gate asks about two models that answered the same rows.

    Args:
        rows: what they answered.
        champion: what is served now said.
        challenger: what may replace it said.
        policy: gives the margin by which a class may fall.
        relative_latency: challenger's time for one answer over the champion's.
        same_package: the two are one package.
        new_architecture: the challenger's architecture or an encoder is new.
        resamples: draws of clusters; the smallest p-value is 1 / (resamples + 1).

    Raises:
        ValueError: there are no rows.
    """
    if not len(rows.truth):
        raise ValueError("expected at least one hold-out or fresh row. Received: none")
    draws = _Draws(rows, champion, challenger, resamples)
    kept = np.flatnonzero(rows.frozen)
    frozen = None
    if len(kept):
        halves = [Answers(one.codes[kept], one.confidences[kept]) for one in (champion, challenger)]
        frozen = _Draws(rows.only_frozen(), *halves, resamples).difference()
    return Comparison(
        overall=draws.difference(),
        frozen=frozen,
        classes=draws.classes(policy.class_margin),
        calibration_increase=draws.calibration_increase(),
        relative_latency=relative_latency,
        same_package=same_package,
        new_architecture=new_architecture,
    )


def report(evidence: Evidence, policy: GatePolicy, decision: GateDecision) -> dict[str, Any]:
    """The decision with its reasons and all numbers behind it, as plain JSON: what the ledger keeps."""
    return {
        "outcome": decision.outcome.value,
        "reasons": list(decision.reasons),
        "evidence": asdict(evidence),
        "policy": asdict(policy),
    }


@dataclass(frozen=True, slots=True)
class _Scores:
    """Scores in every draw; the first entry is the rows as they are.

    Attributes:
        weighted: (1 + draws,) weighted F1.
        by_class: (1 + draws, classes) F1.
        calibration: (1 + draws,) expected calibration error.
    """

    weighted: NDArray[np.float64]
    by_class: NDArray[np.float64]
    calibration: NDArray[np.float64]


class _Draws:
    """Both models scored on the rows as they are and on ``resamples`` draws of clusters."""

    def __init__(self, rows: Rows, champion: Answers, challenger: Answers, resamples: int) -> None:
        self.labels, self._truth = np.unique(rows.truth, return_inverse=True)
        names, self._cluster = np.unique(np.asarray(rows.clusters), return_inverse=True)
        self._rows, self._clusters = len(rows.truth), len(names)
        weights = _drawn_clusters(self._clusters, resamples)
        self.support = np.bincount(self._truth, minlength=len(self.labels))
        self._champion = self._score(champion, weights)
        self._challenger = self._score(challenger, weights)

    def difference(self) -> Difference:
        """The difference in weighted F1."""
        by_draw = self._challenger.weighted - self._champion.weighted
        drawn = by_draw[1:]
        low, high = np.quantile(drawn, [0.05, 0.95])
        return Difference(
            rows=self._rows,
            observed=float(by_draw[0]),
            improves=float((drawn > 0).mean()),
            worsens=float((drawn < 0).mean()),
            low=float(low),
            high=float(high),
        )

    def classes(self, margin: float) -> tuple[ClassChange, ...]:
        """Each class's change, and how often it did *not* fall beyond ``margin``."""
        changes = self._challenger.by_class - self._champion.by_class
        held = (changes[1:] >= -margin).sum(axis=0)
        p_values = (1 + held) / (1 + len(changes[1:]))
        before, after = self._champion.by_class[0], self._challenger.by_class[0]
        return tuple(
            ClassChange(int(code), int(self.support[i]), float(before[i]), float(after[i]), float(p_values[i]))
            for i, code in enumerate(self.labels)
        )

    def calibration_increase(self) -> float:
        """What the calibration error rises by, at least, in 95 of 100 draws."""
        return float(np.quantile((self._challenger.calibration - self._champion.calibration)[1:], 0.05))

    def _score(self, answers: Answers, weights: NDArray[np.float32]) -> _Scores:
        sums = np.hstack([self._class_sums(answers), self._confidence_sums(answers)])
        starts = range(0, len(weights), _CHUNK)
        parts = [_scores_of(weights[start : start + _CHUNK] @ sums, len(self.labels)) for start in starts]
        return _Scores(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def _class_sums(self, answers: Answers) -> NDArray[np.float32]:
        """Per cluster and class: rows of it, rows answered as it, and both at once; side by side."""
        place = np.searchsorted(self.labels, answers.codes).clip(max=len(self.labels) - 1)
        known = self.labels[place] == answers.codes  # an answer that is nobody's truth counts against no class
        right = known & (place == self._truth)
        counted = [(self._truth, np.ones(self._rows, bool)), (place, known), (place, right)]
        return np.hstack([self._sum(column, len(self.labels), of.astype(float)) for column, of in counted])

    def _confidence_sums(self, answers: Answers) -> NDArray[np.float32]:
        """Per cluster and bin of confidence: sum of confidence minus sum of right answers."""
        place = np.minimum((answers.confidences * BINS).astype(np.intp), BINS - 1)
        right = answers.codes == self.labels[self._truth]
        return self._sum(place, BINS, answers.confidences - right)

    def _sum(self, column: NDArray[np.intp], columns: int, values: NDArray[np.float64]) -> NDArray[np.float32]:
        flat = np.bincount(self._cluster * columns + column, weights=values, minlength=self._clusters * columns)
        return flat.reshape(self._clusters, columns).astype(np.float32)


def _drawn_clusters(clusters: int, resamples: int) -> NDArray[np.float32]:
    """How often each cluster counts, ``(1 + resamples, clusters)``: once each, then drawn with replacement."""
    random = np.random.default_rng(_SEED)
    weights = np.ones((1 + resamples, clusters), np.float32)
    for draw in weights[1:]:
        draw[:] = np.bincount(random.integers(0, clusters, clusters), minlength=clusters)
    return weights


def _scores_of(sums: NDArray[np.float32], classes: int) -> tuple[NDArray[np.float64], ...]:
    support, answered, right, gaps = np.split(sums.astype(np.float64), [classes, 2 * classes, 3 * classes], axis=1)
    either = support + answered
    f1 = np.divide(2 * right, either, out=np.zeros_like(right), where=either > 0)
    rows = support.sum(axis=1)
    return (f1 * support).sum(axis=1) / rows, f1, np.abs(gaps).sum(axis=1) / rows
