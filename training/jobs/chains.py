"""Several verbs in one process: ``train`` up to the decision, ``first`` up to the first release."""

import logging
from typing import Any

from core.db.repositories import promotions
from training.jobs import judgement, learn, release
from training.jobs.workplace import MODEL, Stopwatch, Workplace

log = logging.getLogger(__name__)


def train(workplace: Workplace, *, manifest: int | None, run_key: str | None, model: str = MODEL) -> dict[str, Any]:
    """Train a challenger and judge it; nothing is promoted.

    Without a run key it runs under its train key, so that training the same again is over at once.

    Returns:
        What ``judge`` returns, with ``model``, ``run_key`` (``promote`` needs it), ``reused`` and all stages.
    """
    watch = Stopwatch()
    with watch.stage("encoders"):
        snapshot = workplace.snapshot(manifest)
        origin = workplace.origin(snapshot, model)
    key = run_key or f"train-{origin.train_key[:16]}"
    fitted = learn.fit(workplace, manifest=snapshot.manifest.number, run_key=key, model=model)
    judged = judgement.judge(workplace, package=fitted["package"], manifest=fitted["manifest"], run_key=key)
    stages = {**watch.seconds, **fitted["stages"], **judged["stages"]}
    seconds = round(sum(stages.values()), 2)
    return {"model": model, "run_key": key, "reused": fitted["reused"], **judged, "stages": stages, "seconds": seconds}


def first(workplace: Workplace, *, manifest: int | None, run_key: str) -> dict[str, Any]:
    """Give a store without a champion its first one; where one is served, change nothing.

    Returns:
        ``epoch`` and ``package`` that are served, ``already_there``, and, when something was done, what it took.
    """
    with workplace.sessions() as session:
        served = promotions.current(session)
    if served is not None:
        return {"epoch": served.epoch, "package": served.models.get(MODEL), "already_there": True}
    trained = train(workplace, manifest=manifest, run_key=run_key)
    released = release.promote(workplace, package=trained["package"], run_key=run_key)
    told = ("run_id", "weighted_f1", "rows", "reused", "seconds", "stages")
    return {**released, "already_there": False, **{name: trained[name] for name in told}}
