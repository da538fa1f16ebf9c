"""Several verbs in one process: up to the decision, up to the first release, and on after somebody else's."""

import logging
from collections.abc import Sequence
from typing import Any

from core.db.repositories import promotions
from core.db.repositories.promotions import EpochMoved
from core.errors import Invalid
from training.jobs import judgement, learn, release
from training.jobs.comparison import compare_models
from training.jobs.workplace import MODEL, Stopwatch, Workplace

log = logging.getLogger(__name__)

_MOST_JUDGEMENTS = 3  # one more for each time that somebody else was faster

_TOLD = ("model", "package", "run_key", "run_id", "decision", "weighted_f1", "manifest", "reused", "seconds")


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


def train_several(
    workplace: Workplace, models: Sequence[str], *, manifest: int | None, run_key: str | None
) -> dict[str, Any]:
    """Train models one after the other on one snapshot, judge each, and compare them in one run of the tracking server.

    A model that cannot be trained here (no photos, weights that cannot be had) does not stop the others.

    Returns:
        ``trained``: ``_TOLD`` of what ``train`` returned of each; ``refused``: why, by name; ``comparison``: its
        ``run_id`` and the models, best first (absent where none gave an answer).
    """
    snapshot = workplace.snapshot(manifest)
    trained, refused = [], {}
    for number, model in enumerate(models, start=1):
        log.info("train.model", extra={"model": model, "number": number, "of": len(models)})
        key = f"{run_key}-{model}" if run_key else None
        try:
            done = train(workplace, manifest=snapshot.manifest.number, run_key=key, model=model)
        except Invalid as error:
            log.warning("train.refused", extra={"model": model, "code": error.code, "reason": str(error)})
            refused[model] = str(error)
        else:
            trained.append(done)
            log.info("train.judged", extra={"model": model, "weighted_f1": done["weighted_f1"]})
    answered = any(one["scores"] is not None for one in trained)
    told = [{fact: one[fact] for fact in _TOLD} for one in trained]
    comparison = {"comparison": compare_models(workplace, trained)} if answered else {}
    return {"trained": told, "refused": refused, **comparison}


def promote_judging_again(workplace: Workplace, *, package: str, run_key: str) -> dict[str, Any]:
    """Promote by the gate's decision; if the release was moved since, judge again beside what is served now.

    Two runs may train at once. The second one's decision was made against a champion that is gone, and a try that only
    repeats the promotion would fail for ever.

    Returns:
        What ``release.promote`` returns.

    Raises:
        NotJudged: as ``release.promote`` says.
        EpochMoved: the release was moved time and again; another try is safe.
        TrackingUnavailable: it had to be judged again, and the tracking server does not answer.
    """
    for _ in range(_MOST_JUDGEMENTS):
        try:
            return release.promote(workplace, package=package, run_key=run_key)
        except EpochMoved as moved:
            log.warning("promote.judges_again", extra={"package": package, "reason": str(moved)})
            judged = workplace.runs.result(run_key, "judge").read()
            judgement.judge(workplace, package=package, manifest=judged["manifest"], run_key=run_key)
    return release.promote(workplace, package=package, run_key=run_key)


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
