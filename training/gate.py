"""Measures what the gate decides on: champion and challenger on the same rows, resampled by cluster."""

import math
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from core.domain.evidence import ClassChange, Comparison, Difference, Evidence, LabelDoubt, Looks, Robustness
from core.domain.gate import GateDecision, GatePolicy
from core.errors import Invalid
from training.draws import Answers, Draws, Rows, drawn_means

RESAMPLES = 2000
_MOST_RESAMPLES = 20_000


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
class Disturbed:
    """Both models' answers to the same rows, as they are and disturbed.

    Attributes:
        disturbance: what was done to the rows.
        rows: what they answered.
        champion: answers as they are, then disturbed.
        challenger: likewise.
    """

    disturbance: str
    rows: Rows
    champion: tuple[Answers, Answers]
    challenger: tuple[Answers, Answers]


def compare(
    rows: Rows,
    *,
    champion: Answers,
    challenger: Answers,
    policy: GatePolicy,
    relative_latency: float,
    disturbed: Sequence[Disturbed] = (),
    new_labels: LabelDoubt | None = None,
    looks: Looks | None = None,
    same_package: bool = False,
    new_architecture: bool = False,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Everything the gate asks about two models that answered the same rows.

    Args:
        rows: what they answered.
        champion: what is served now said.
        challenger: what may replace it said.
        policy: gives the margins by which a class may fall and a disturbance may hurt.
        relative_latency: challenger's time for one answer over the champion's.
        disturbed: what both answered to disturbed rows.
        new_labels: what ``doubt_labels`` measured.
        looks: how often these hold-out rows have been looked at.
        same_package: the two are one package.
        new_architecture: the challenger's architecture or an encoder is new.
        resamples: draws of clusters, more where there are so many classes that no p-value could be small enough.

    Raises:
        ValueError: there are no rows.
    """
    if not len(rows.truth):
        raise ValueError("expected at least one hold-out or fresh row. Received: none")
    kept = {"frozen": np.flatnonzero(rows.frozen), "fresh": np.flatnonzero(~rows.frozen)}
    parts = {
        name: difference(
            Draws(rows.take(part), (champion.take(part), challenger.take(part)), resamples), policy.least_gain
        )
        for name, part in kept.items()
        if len(part)
    }
    classes = len(np.unique(rows.truth))
    draws = Draws(rows, (champion, challenger), enough_draws(resamples, classes, policy.alpha))
    before, after = draws.scores
    return Comparison(
        overall=difference(draws, policy.least_gain),
        frozen=parts.get("frozen"),
        fresh=parts.get("fresh"),
        classes=_classes(draws, policy.class_margin),
        calibration_increase=float(np.quantile((after.calibration - before.calibration)[1:], 0.05)),
        relative_latency=relative_latency,
        robustness=tuple(_robustness(one, policy.robustness_margin, resamples) for one in disturbed),
        new_labels=new_labels,
        looks=looks,
        same_package=same_package,
        new_architecture=new_architecture,
    )


def doubt_labels(
    holdout: Rows, heard: Answers, new: Rows, said: Answers, *, resamples: int = RESAMPLES
) -> LabelDoubt | None:
    """How many of the labels that the champion has not learnt are doubtful; None where there is nothing to compare.

    Args:
        holdout: the frozen hold-out.
        heard: the champion's answers to it.
        new: rows that the challenger learnt from and the champion did not, of classes that the champion knows.
        said: the champion's answers to them.
        resamples: draws of clusters from each.
    """
    if not len(holdout.truth) or not len(new.truth):
        return None
    surplus = drawn_means((heard.codes != holdout.truth) - (1 - heard.confidences), holdout.clusters, resamples, 0)
    doubt = drawn_means((said.codes != new.truth) - (1 - said.confidences), new.clusters, resamples, 1)
    return LabelDoubt(
        rows=len(new.truth),
        contradicted=float((said.codes != new.truth).mean()),
        expected=float((1 - said.confidences).mean() + surplus[0]),
        low=float(np.quantile((doubt - surplus)[1:], 0.05)),
    )


def report(evidence: Evidence, policy: GatePolicy, decision: GateDecision) -> dict[str, Any]:
    """The decision with its reasons and all numbers behind it, as plain JSON: what the ledger keeps."""
    return {
        "outcome": decision.outcome.value,
        "reasons": list(decision.reasons),
        "evidence": asdict(evidence),
        "policy": asdict(policy),
    }


def enough_draws(resamples: int, classes: int, alpha: float) -> int:
    """Draws with which the first of ``classes`` p-values can fall below Holm's ``alpha / classes``."""
    return min(max(resamples, math.ceil(2 * classes / alpha)), max(resamples, _MOST_RESAMPLES))


def difference(draws: Draws, least_gain: float) -> Difference:
    """Weighted F1 of the second model minus the first one's, on the rows and on the draws."""
    before, after = draws.scores
    by_draw = after.weighted - before.weighted
    sampled = by_draw[1:]
    low, high = np.quantile(sampled, [0.05, 0.95])
    return Difference(
        rows=draws.rows,
        clusters=draws.clusters,
        observed=float(by_draw[0]),
        improves=float((sampled > least_gain).mean()),
        worsens=float((sampled < 0).mean()),
        low=float(low),
        high=float(high),
    )


def _classes(draws: Draws, margin: float) -> tuple[ClassChange, ...]:
    """Each class's change, and how often it did *not* fall beyond ``margin``."""
    before, after = (one.by_class for one in draws.scores)
    held = ((after - before)[1:] >= -margin).sum(axis=0)
    p_values = (1 + held) / len(before)
    return tuple(
        ClassChange(int(code), int(draws.support[i]), float(before[0, i]), float(after[0, i]), float(p_values[i]))
        for i, code in enumerate(draws.labels)
    )


def _robustness(one: Disturbed, margin: float, resamples: int) -> Robustness:
    """What a disturbance costs both, and how often it did *not* put the challenger ``margin`` below the champion.

    Falls are told, but the disturbed scores decide: a better model has more to lose, and one that is still as good as
    the champion on disturbed products is no worse anywhere.
    """
    draws = Draws(one.rows, (*one.champion, *one.challenger), resamples)
    old, old_disturbed, new, new_disturbed = (scores.weighted for scores in draws.scores)
    held = ((old_disturbed - new_disturbed)[1:] <= margin).sum()
    return Robustness(
        disturbance=one.disturbance,
        rows=draws.rows,
        champion_f1=float(old_disturbed[0]),
        challenger_f1=float(new_disturbed[0]),
        champion_fall=float((old - old_disturbed)[0]),
        challenger_fall=float((new - new_disturbed)[0]),
        p_weaker=float((1 + held) / len(old)),
    )
