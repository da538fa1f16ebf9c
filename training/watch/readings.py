"""From what came and what was decided lately to a reading of each thing that is watched."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.db.repositories.quality import Reading
from core.db.repositories.recent import Judged, Photo, Text
from core.domain.watch import Watched
from core.settings import LoopSettings
from training.shares import Share
from training.watch import accuracy, confidence, drift
from training.watch.accuracy import Estimate

Traffic = Callable[[str], Sequence[int]]
"""From a product's id to how many answers since fall into each band of confidence."""


def of_accuracy(
    judged: Sequence[Judged], every: Sequence[Judged], version: str | None, traffic: Traffic, loop: LoopSettings
) -> Reading | None:
    """Accuracy on the newest verdicts, and on the newest few of them; None where there are too few to look at.

    Args:
        judged: at most ``loop.watch_verdicts``, newest first.
        every: likewise, of every version that answered: what the versions are told apart by.
        version: the package that ``judged`` are all about; None: of any.
        traffic: of that package or of any.
        loop: the settings.
    """
    if len(judged) < accuracy.FEWEST:
        return None
    few = max(accuracy.FEWEST, loop.watch_verdicts // accuracy.SHORTER)
    looks = [_estimate(some, traffic) for some in (judged, judged[:few])]
    whole, newest = looks
    return Reading(
        kind=Watched.ACCURACY,
        model_version=version,
        rows=whole.rows,
        through=str(judged[0].number),
        value=whole.value,
        low=whole.low,
        high=whole.high,
        threshold=loop.watch_min_accuracy,
        finding=accuracy.finding(looks, loop.watch_min_accuracy),
        detail={
            "covered": whole.covered,
            "newest": {name: getattr(newest, name) for name in Estimate.__slots__},
            **_shares(judged),
            "versions": {sha: _shares([one for one in every if one.model_version == sha]) for sha in _versions(every)},
        },
    )


def _estimate(judged: Sequence[Judged], traffic: Traffic) -> Estimate:
    confidences, right = _outcomes(judged)
    return accuracy.estimate(confidences, right, traffic(min(one.prediction_id for one in judged)))


def _outcomes(judged: Sequence[Judged]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    right = [one.stands == one.suggested for one in judged]
    return np.array([one.confidence for one in judged]), np.array(right)


def _shares(judged: Sequence[Judged]) -> dict[str, Any]:
    """Right and overridden answers as they were judged, each as share, low and high."""
    shares = {
        "right": Share(sum(one.stands == one.suggested for one in judged), len(judged)),
        "overridden": Share(sum(one.accepted != one.suggested for one in judged), len(judged)),
    }
    return {"rows": len(judged), **{name: [share.value, *share.interval] for name, share in shares.items()}}


def _versions(judged: Sequence[Judged]) -> list[str]:
    return list(dict.fromkeys(one.model_version for one in judged))


def of_confidence(judged: Sequence[Judged], after: int, version: str, loop: LoopSettings) -> Reading | None:
    """Calibration on the newest verdicts, once as many came after verdict ``after`` as a window holds: None before."""
    fresh = [one for one in judged if one.number > after]
    if len(fresh) < loop.watch_verdicts:
        return None
    found = confidence.honesty(*_outcomes(fresh))
    return Reading(
        kind=Watched.CALIBRATION,
        model_version=version,
        rows=found.rows,
        through=str(fresh[0].number),
        value=found.error,
        threshold=found.threshold,
        chance=found.chance,
        finding=found.finding(loop.watch_false_alarms),
        detail={"honest": found.honest, "gap": found.gap, "z": found.z},
    )


def of_inputs(
    kind: Watched,
    reference: Sequence[Text] | Sequence[Photo],
    window: Sequence[Text] | Sequence[Photo],
    features: tuple[NDArray[np.float32], NDArray[np.float32]],
    loop: LoopSettings,
) -> Reading:
    """Whether a window of products looks like the reference, both in the order they came.

    Args:
        kind: texts or images.
        reference: products before.
        window: products now.
        features: of those of each that could be read.
        loop: the settings.
    """
    found = drift.compare(*features)
    return Reading(
        kind=kind,
        model_version=None,
        rows=len(window),
        through=window[-1].id,
        value=found.effect,
        threshold=drift.LEAST_EFFECT,
        chance=found.chance,
        finding=found.finding(loop.watch_false_alarms),
        detail={
            "window": [window[0].id, window[-1].id],
            "reference": [reference[0].id, reference[-1].id],
            "read": [len(some) for some in features],
        },
    )
