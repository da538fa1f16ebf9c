"""What looking at one hold-out again and again does: a chain of equal challengers, each judged on the same rows.

A challenger takes each cluster's answer from one of the world's rightly labelled models, drawn at random. So any two
are equally good in truth, and what the champion's score on the hold-out gains along the chain is nothing but luck
that was selected. What is told: promotions so far, how many points too high the champion's score has become, and the
rate at which the *next* challenger, better by two points in truth, would still be promoted.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.gate_study.trials import Setting, plant, score
from bench.gate_study.worlds import AS_THEY_ARE, HOLDOUT
from core.domain.evidence import Comparison, Evidence, Looks
from core.domain.gate import GatePolicy, Outcome, decide
from training.draws import Answers, Draws, Rows
from training.gate import difference

LOOKS = (1, 5, 20, 50)
"""After how many looks the chains are told of."""
GAIN = 0.02
_RESAMPLES = 300


def after_looks(found: Sequence[Setting], policy: GatePolicy, *, chains: int) -> dict[str, dict[str, float]]:
    """Walk the chains under the policy and under one that never becomes strict; means over the chains."""
    never = replace(policy, looks_until_strict=10 * LOOKS[-1])
    walks = {
        name: [_walk(found[chain % len(found)], one, chain) for chain in range(chains)]
        for name, one in (("policy", policy), ("without a limit", never))
    }
    told = {}
    for name, each in walks.items():
        means = np.array(each).mean(axis=0)  # (looks told of, facts)
        for looks, (promoted, too_high, still) in zip(LOOKS, means, strict=True):
            facts = {"promotions": promoted, "points_too_high": 100 * too_high, "two_points_promoted": still}
            told[f"{looks}, {name}"] = {fact: round(float(value), 3) for fact, value in facts.items()}
    return told


def _walk(setting: Setting, policy: GatePolicy, chain: int) -> list[tuple[float, float, float]]:
    random = np.random.default_rng([4, chain])
    places = setting.rows(HOLDOUT)
    truth, clusters = setting.catalogue.truth[places], setting.catalogue.clusters[places]
    rows = Rows(truth, clusters.tolist(), np.ones(len(places), dtype=bool))
    models = [setting.pool[name][AS_THEY_ARE].take(places) for kind in _RIGHT for name in setting.turns(kind)]
    usual = float(np.mean([score(truth, _mixed(models, clusters, random).codes) for _ in range(40)]))
    champion, promoted, since = _mixed(models, clusters, random), 0, 0
    told = []
    for look in range(1, LOOKS[-1] + 1):
        since += 1
        challenger = _mixed(models, clusters, random)
        if _promotes(rows, champion, challenger, policy, Looks(look, since)):
            champion, promoted, since = challenger, promoted + 1, 0
        if look in LOOKS:
            better = plant(truth, _mixed(models, clusters, random), _mixed(models, clusters, random), GAIN, random)
            still = _promotes(rows, champion, better, policy, Looks(look + 1, since + 1))
            told.append((promoted, score(truth, champion.codes) - usual, float(still)))
    return told


_RIGHT = ("update", "bootstrap")


def _mixed(models: Sequence[Answers], clusters: NDArray[np.str_], random: np.random.Generator) -> Answers:
    """Each cluster answered by one of the models."""
    names, cluster = np.unique(clusters, return_inverse=True)
    chosen = random.integers(0, len(models), len(names))[cluster]
    rows = np.arange(len(cluster))
    codes, confidences = (np.stack([getattr(one, part) for one in models]) for part in ("codes", "confidences"))
    return Answers(codes[chosen, rows], confidences[chosen, rows])


def _promotes(rows: Rows, champion: Answers, challenger: Answers, policy: GatePolicy, looks: Looks) -> bool:
    found = difference(Draws(rows, (champion, challenger), _RESAMPLES), policy.least_gain)
    comparison = Comparison(
        overall=found, frozen=found, classes=(), calibration_increase=0.0, relative_latency=1.0, looks=looks
    )
    return decide(Evidence(True, comparison), policy).outcome is Outcome.PROMOTE
