"""The verb ``judge``: challenger and champion on the same rows, the gate's decision, both on the tracking server."""

import logging
from contextlib import suppress
from dataclasses import fields
from typing import Any

from core.db.models import Promotion
from core.db.repositories import evaluations, judgements, promotions
from core.db.repositories.judgements import Judgement
from core.db.repositories.promotions import NO_EPOCH
from core.registry.packages import CorruptPackage, MissingPackage, claim
from training.jobs.evaluation import evaluation_of
from training.jobs.examination import examine
from training.jobs.findings import Findings, suspects_of
from training.jobs.finetuning import curves_of_run
from training.jobs.history import learning_curve
from training.jobs.judgement_page import Surroundings
from training.jobs.learn import training_of
from training.jobs.release import point_aliases
from training.jobs.second_opinions import ask_again
from training.jobs.workplace import MODEL, Stopwatch, Workplace
from training.tracking import Tracking

log = logging.getLogger(__name__)


def judge(workplace: Workplace, *, package: str, manifest: int | None, run_key: str) -> dict[str, Any]:
    """Decide whether ``package`` may replace the champion, and record why.

    A decision holds for the champion it was made against: if another is served since, it is made again. Only the
    model named ``fusion`` is gated; any other is compared with what is released under its name, if anything is, and
    may be released as a companion when it repeats its golden answers.

    Returns:
        ``decision`` (first, promote, grey, refuse or companion), ``reasons``, ``run_id``, ``weighted_f1``,
        ``champion_weighted_f1``, ``difference`` (5th percentile, observed, 95th), the ``epoch`` judged against and the
        ``champion`` that it served, ``second_opinions`` (labels newly marked as doubtful), and seconds.

    Raises:
        TrackingUnavailable: the tracking server does not answer; judging again is safe.
        NeverTrained: no training recorded here gave this package.
        NothingToJudgeOn: the snapshot has neither hold-out nor fresh rows.
    """
    with workplace.sessions() as session:
        champion = promotions.current(session)
    kept = workplace.runs.result(run_key, "judge")
    done = kept.read()
    if done and done["package"] == package and manifest in (None, done["manifest"]):
        promoted = workplace.runs.result(run_key, "promote").read() is not None
        if promoted or done["epoch"] == _epoch(champion):
            return done
    tracking = Tracking.connect(workplace.train)  # before the work rather than after it
    training = training_of(workplace, package=package, run_key=run_key)
    with suppress(MissingPackage, CorruptPackage):  # the examination says what is wrong with it
        claim(workplace.store.packages, package)
    training["curves"] |= curves_of_run(workplace, run_key)
    watch = Stopwatch()
    found = examine(workplace, training, package, manifest, champion, watch)
    run_id = None
    if found.challenger is not None:  # a package that forgot its golden answers is registered nowhere
        with watch.stage("tracking"):
            logs = workplace.runs.event_logs(run_key)
            run_id = tracking.record(found.training_record(workplace.store.packages / package, logs))
            around = _surroundings(workplace, found, package)
            tracking.annotate(run_id, found.judgement_record(found.challenger, around, run_key=run_key))
            if found.model == MODEL:  # a companion has no aliases to fight for: it follows the release
                point_aliases(workplace, tracking, challenger=package)
    doubted = ask_again(workplace.sessions, training) if found.model == MODEL else 0
    log.info("judge.decided", extra={"package": package, "decision": found.decision.outcome, "run_id": run_id})
    beside = champion.models.get(found.model) if champion else None
    identity = {"package": package, "run_id": run_id, "epoch": _epoch(champion), "champion": beside}
    identity["second_opinions"] = doubted
    result = {**identity, **found.result(), **watch.report()}
    judgement = Judgement(**{fact.name: result[fact.name] for fact in fields(Judgement)})
    # The file last: whoever runs this again takes it as done. Cut off in between, the same is said twice.
    with workplace.sessions.begin() as session:
        judgements.record(session, package=package, judgement=judgement, gated=found.model == MODEL)
        if found.challenger is not None and beside != package:  # beside itself nothing new is said of it
            evaluation = evaluation_of(found.exam, found.challenger, found.champion, found.latency)
            evaluations.record(session, package=package, evaluation=evaluation)
    return kept.write(result)


def _surroundings(workplace: Workplace, found: Findings, package: str) -> Surroundings:
    earlier = learning_curve(workplace.store.runs, found.model, leave_out=package)
    return Surroundings(workplace.taxonomy, workplace.store.images, earlier, suspects_of(found.training))


def _epoch(champion: Promotion | None) -> int:
    return champion.epoch if champion else NO_EPOCH
