"""The verb ``judge``: challenger and champion on the same rows, the gate's decision, both on the tracking server."""

import logging
from typing import Any

from core.db.models import Promotion
from core.db.repositories import promotions
from core.db.repositories.promotions import NO_EPOCH
from core.domain.gate import Evidence, decide
from inference.model import GoldenMismatch, ServedModel
from training.gate import compare, load_policy
from training.jobs.exam import Exam, Sitting, relative_latency, sit
from training.jobs.findings import Findings, suspects_of
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

    A decision holds for the champion it was made against: if another is served since, it is made again.

    Returns:
        ``decision`` (first, promote, grey or refuse), ``reasons``, ``run_id``, ``weighted_f1``,
        ``champion_weighted_f1``, ``difference`` (5th percentile, observed, 95th), the ``epoch`` judged against,
        ``second_opinions`` (labels newly marked as doubtful), and seconds.

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
    watch = Stopwatch()
    found = _examine(workplace, training, package, manifest, champion, watch)
    run_id = None
    if found.challenger is not None:  # a package that forgot its golden answers is registered nowhere
        with watch.stage("tracking"):
            run_id = tracking.record(found.training_record(workplace.store.packages / package))
            around = _surroundings(workplace, found, package)
            tracking.annotate(run_id, found.judgement_record(found.challenger, around, run_key=run_key))
            point_aliases(workplace, tracking, challenger=package)
    doubted = ask_again(workplace.sessions, training) if found.model == MODEL else 0
    log.info("judge.decided", extra={"package": package, "decision": found.decision.outcome, "run_id": run_id})
    identity = {"package": package, "run_id": run_id, "epoch": _epoch(champion), "second_opinions": doubted}
    return kept.write({**identity, **found.result(), **watch.report()})


def _surroundings(workplace: Workplace, found: Findings, package: str) -> Surroundings:
    earlier = learning_curve(workplace.store.runs, found.model, leave_out=package)
    return Surroundings(workplace.taxonomy, workplace.store.images, earlier, suspects_of(found.training))


def _examine(
    workplace: Workplace,
    training: dict[str, Any],
    package: str,
    manifest: int | None,
    champion: Promotion | None,
    watch: Stopwatch,
) -> Findings:
    policy = load_policy(workplace.gate.policy)
    with watch.stage("open"):
        exam = Exam.of(workplace.snapshot(training["manifest"] if manifest is None else manifest))
        served = champion.models.get(MODEL) if champion else None
        old = _sit(workplace, exam, served) if served else None
        try:
            new = old if served == package else _sit(workplace, exam, package)
        except GoldenMismatch as error:
            log.warning("judge.golden_answers_differ", extra={"package": package, "reason": str(error)})
            new = None
    comparison = None
    if new is not None and old is not None:
        with watch.stage("latency"):
            products = [] if new is old else exam.products(workplace.store.images)
            latency = relative_latency(new.model, old.model, products)
        with watch.stage("bootstrap"):
            comparison = compare(
                exam.rows,
                champion=old.answers,
                challenger=new.answers,
                policy=policy,
                relative_latency=latency,
                same_package=new is old,
                new_architecture=_shape(new.model) != _shape(old.model),
            )
    evidence = Evidence(golden_answers_hold=new is not None, comparison=comparison)
    return Findings(exam, training, new, old, policy, evidence, decide(evidence, policy))


def _sit(workplace: Workplace, exam: Exam, sha: str) -> Sitting:
    model = ServedModel.load(workplace.store.packages, sha, encoders=workplace.pool)
    return sit(model, exam, workplace.features(exam.snapshot, model.spec["encoders"], rows=exam.places))


def _shape(model: ServedModel) -> tuple[Any, ...]:
    """What makes a model a new one rather than a retrained one."""
    return model.spec["architecture"], dict(model.spec["encoders"])


def _epoch(champion: Promotion | None) -> int:
    return champion.epoch if champion else NO_EPOCH
