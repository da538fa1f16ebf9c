"""Trials: two models of one world, an exam drawn from its hold-out, and what the gate says.

Where truth is planted, the world's hold-out rows *are* the population: the challenger's answers are corrected or
damaged until its gain on them is the one wanted, and an exam is drawn from them with replacement, by cluster. Where
models are compared as they were trained, exams are subsets drawn *without* replacement: drawing with replacement
would add the hold-out's own sampling error a second time, and equal models would seem to differ.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.gate_study.worlds import AS_THEY_ARE, BATCH, CHAMPION, FRESH, HOLDOUT, Labelled, World
from core.domain.evidence import Comparison, Evidence, LabelDoubt
from core.domain.gate import GateDecision, GatePolicy, decide
from training.draws import Answers, Rows
from training.evaluate import weighted_f1
from training.gate import Disturbed, compare, doubt_labels
from training.robustness import HALVES

LARGE = 2000
"""Rows of an exam drawn with replacement."""
SUBSET = 0.8
"""Share of the hold-out's clusters in an exam drawn without replacement."""

_RESAMPLES = 500  # of each trial; the gate itself makes more where classes ask for it

Pool = Mapping[str, Mapping[str, Answers]]
"""The answers of one world's models, by model and then by disturbance."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One world with its trained models.

    Attributes:
        world: the deal.
        catalogue: the products.
        pool: what each model answered.
        policy: whose margins are measured by.
    """

    world: World
    catalogue: Labelled
    pool: Pool
    policy: GatePolicy

    def turns(self, kind: str) -> list[str]:
        """The models of a kind that have been trained."""
        return sorted(name for name in self.pool if name.partition("-")[0] == kind)

    def rows(self, part: str) -> NDArray[np.intp]:
        """Positions of a part's products."""
        return np.flatnonzero(self.world.parts == part)


Trial = Callable[[Setting, np.random.Generator], Comparison]


def equal_retrains(kind: str) -> Trial:
    """Two models of ``kind`` as they were trained, disturbances included, on a subset of the hold-out."""

    def trial(setting: Setting, random: np.random.Generator) -> Comparison:
        old, new = random.choice(setting.turns(kind), 2, replace=False)
        return _as_trained(setting, old, new, _subset(setting, random), setting.catalogue.truth)

    return trial


def planted(gain: float) -> Trial:
    """Two equal models, one of them changed until it is better by exactly ``gain`` in truth, on 2,000 rows."""

    def trial(setting: Setting, random: np.random.Generator) -> Comparison:
        models = [name for kind in ("update", "bootstrap") for name in setting.turns(kind)]
        old, new = random.choice(models, 2, replace=False)
        places = setting.rows(HOLDOUT)
        truth, clusters = setting.catalogue.truth[places], setting.catalogue.clusters[places]
        champion, challenger = (setting.pool[name][AS_THEY_ARE].take(places) for name in (old, new))
        challenger = plant(truth, champion, challenger, gain, random)
        drawn, names = _draw_with_replacement(clusters, LARGE, random)
        rows = Rows(truth[drawn], names, np.ones(len(drawn), dtype=bool))
        return _compare(setting, rows, champion.take(drawn), challenger.take(drawn))

    return trial


def update(kind: str, *, fresh_too: bool) -> Trial:
    """The champion of the base against a challenger that learnt the batch, right or poisoned.

    ``fresh_too``: the fresh rows join the exam, with the labels that the batch's reviewers gave them.
    """

    def trial(setting: Setting, random: np.random.Generator) -> Comparison:
        new = str(random.choice(setting.turns(kind)))
        labels = setting.world.labels(new, setting.catalogue.truth)
        places = _subset(setting, random)
        if fresh_too:
            places = np.sort(np.concatenate([places, setting.rows(FRESH)]))
        return _as_trained(setting, CHAMPION, new, places, labels, doubt=_doubt(setting, labels))

    return trial


def plant(
    truth: NDArray[np.int64], champion: Answers, challenger: Answers, gain: float, random: np.random.Generator
) -> Answers:
    """Change answers of the challenger, at random, until its weighted F1 is the champion's plus ``gain``.

    Corrected answers become right, damaged ones become any other class; the nearest number of changes is taken.
    """
    wanted = score(truth, champion.codes) + gain
    right = challenger.codes == truth
    raising = score(truth, challenger.codes) < wanted
    order = random.permutation(np.flatnonzero(right != raising))
    classes = np.unique(truth)
    others = classes[(np.searchsorted(classes, truth) + random.integers(1, len(classes), len(truth))) % len(classes)]
    goal = truth if raising else others

    def changed(count: int) -> NDArray[np.int64]:
        codes = challenger.codes.copy()
        codes[order[:count]] = goal[order[:count]]
        return codes

    low, high = 0, len(order)
    while low < high:  # the score moves one way with every change, but for F1's small detours
        middle = (low + high) // 2
        beyond = score(truth, changed(middle)) >= wanted
        low, high = (low, middle) if beyond == raising else (middle + 1, high)
    best = min((low - 1, low), key=lambda count: abs(score(truth, changed(max(count, 0))) - wanted))
    return Answers(changed(max(best, 0)), challenger.confidences)


def verdicts(comparison: Comparison, policies: Mapping[str, GatePolicy]) -> dict[str, GateDecision]:
    """What the gate says under each policy."""
    return {name: decide(Evidence(True, comparison), policy) for name, policy in policies.items()}


def score(truth: NDArray[np.int64], codes: NDArray[np.int64]) -> float:
    """Weighted F1 of answered codes."""
    every, places = np.unique(np.concatenate([truth, codes]), return_inverse=True)
    return weighted_f1(places[: len(truth)], places[len(truth) :]) if len(every) else 0.0


def _subset(setting: Setting, random: np.random.Generator) -> NDArray[np.intp]:
    places = setting.rows(HOLDOUT)
    names = np.unique(setting.catalogue.clusters[places])
    kept = random.choice(names, round(SUBSET * len(names)), replace=False)
    return places[np.isin(setting.catalogue.clusters[places], kept)]


def _draw_with_replacement(
    clusters: NDArray[np.str_], rows: int, random: np.random.Generator
) -> tuple[NDArray[np.intp], list[str]]:
    """About ``rows`` positions in whole clusters; a cluster drawn twice is two products."""
    names, cluster = np.unique(clusters, return_inverse=True)
    members = [np.flatnonzero(cluster == at) for at in range(len(names))]
    drawn, called = [], []
    for turn, at in enumerate(random.integers(0, len(names), rows)):
        if len(drawn) >= rows:
            break
        drawn.extend(members[at])
        called.extend([f"{turn}"] * len(members[at]))
    return np.array(drawn), called


def _as_trained(
    setting: Setting,
    old: str,
    new: str,
    places: NDArray[np.intp],
    labels: NDArray[np.int64],
    doubt: LabelDoubt | None = None,
) -> Comparison:
    champion, challenger = (setting.pool[name] for name in (old, new))
    answers = [one[AS_THEY_ARE].take(places) for one in (champion, challenger)]
    disturbed = [
        _disturbed(setting, name, champion, challenger, places, labels) for name in champion if name != AS_THEY_ARE
    ]
    return _compare(setting, _rows(setting, places, labels), *answers, disturbed=disturbed, new_labels=doubt)


def _disturbed(
    setting: Setting,
    name: str,
    champion: Mapping[str, Answers],
    challenger: Mapping[str, Answers],
    places: NDArray[np.intp],
    labels: NDArray[np.int64],
) -> Disturbed:
    """Answers to the exam's rows among those that were disturbed."""
    sample = setting.catalogue.sample
    at = places if name in HALVES else np.flatnonzero(np.isin(sample, places))
    rows = places if name in HALVES else sample[at]
    pairs = ((one[AS_THEY_ARE].take(rows), one[name].take(at)) for one in (champion, challenger))
    return Disturbed(name, _rows(setting, rows, labels), *pairs)


def _rows(setting: Setting, places: NDArray[np.intp], labels: NDArray[np.int64]) -> Rows:
    frozen = setting.world.parts[places] == HOLDOUT
    return Rows(labels[places], setting.catalogue.clusters[places].tolist(), frozen)


def _doubt(setting: Setting, labels: NDArray[np.int64]) -> LabelDoubt | None:
    champion = setting.pool[CHAMPION][AS_THEY_ARE]
    holdout, batch = setting.rows(HOLDOUT), setting.rows(BATCH)
    return doubt_labels(
        _rows(setting, holdout, setting.catalogue.truth),
        champion.take(holdout),
        _rows(setting, batch, labels),
        champion.take(batch),
        resamples=_RESAMPLES,
    )


def _compare(setting: Setting, rows: Rows, champion: Answers, challenger: Answers, **more: Any) -> Comparison:
    return compare(
        rows,
        champion=champion,
        challenger=challenger,
        policy=setting.policy,
        relative_latency=1.0,
        resamples=_RESAMPLES,
        **more,
    )


def policies(shipped: GatePolicy) -> dict[str, GatePolicy]:
    """The shipped policy, the strict one, and the shipped one without its look at the new labels."""
    return {
        "default": shipped,
        "strict": replace(shipped, confidence=shipped.strict_confidence),
        "without new labels": replace(shipped, max_label_doubt=1.0),
    }
