"""The verbs ``report`` and ``log-report``: what happened in a month, as one HTML file, and on the tracking server.

reports/monthly-2026-10.html   for people
reports/monthly-2026-10.json   its figures, for ``log-report``
"""

import hashlib
import json
import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from core.db.repositories import judgements, monthly, promotions, retrain_requests
from core.durable import make_folder, write_durably
from core.reports import find, name_of
from core.settings import LoopSettings, StoreSettings
from core.store import manifests
from core.store.manifests import NoManifest
from training.jobs.history import scores_of
from training.jobs.runs import ResultFile
from training.jobs.workplace import MODEL, Workplace
from training.reference import references_for
from training.report.month import conclusions
from training.report.month.facts import (
    BadMonth,
    Champion,
    Facts,
    Flow,
    HoldOut,
    Month,
    Policy,
    Reading,
    Room,
    standing,
)
from training.report.month.page import render

JOB = "monthly_report"
"""Who asks for a retraining where a report says so."""

_ROOMS = ("images", "training", "features", "packages", "archive", "runs")
_WATCHED = {
    "accuracy": "accuracy",
    "calibration": "calibration error",
    "text": "newness of the texts",
    "images": "newness of the photos",
}
log = logging.getLogger(__name__)


def report(workplace: Workplace, loop: LoopSettings, *, month: str, ask: bool = False) -> dict[str, Any]:
    """Write the report of a month; writing it again replaces it.

    Args:
        workplace: store and database.
        loop: when a month is bad enough to ask for a retraining.
        month: ``YYYY-MM``, the running one included; "" is the last that is over.
        ask: where the report says so, ask for a retraining: once a month, and not before it is over.

    Returns:
        ``name``, ``month``, ``path``, ``bytes``, ``sha256``, ``sentence`` (the verdict), ``retrain``, and ``asked``:
        whether it says so and a request waits.

    Raises:
        BadMonth: not a month, or one that has not begun.
    """
    with workplace.snapshots() as session:
        facts = _gather(session, workplace, loop, month)
    name, verdict = name_of(str(facts.now.month)), conclusions.recommend(facts)
    page = render(facts).encode()
    path = make_folder(workplace.store.reports) / f"{name}.html"
    told = {"month": str(facts.now.month), "sentence": verdict.sentence, "retrain": verdict.retrain}
    at = facts.now.at.replace(tzinfo=UTC).isoformat()
    ResultFile(path.with_suffix(".json")).write({**told, "at": at, "figures": conclusions.figures(facts)})
    write_durably(path, page)
    asked = ask and verdict.retrain and facts.is_over and _ask(workplace, name, verdict.reasons)
    log.info("report.written", extra={"report": name, "retrain": verdict.retrain, "asked": asked})
    return {
        "name": name,
        **told,
        "path": str(path),
        "bytes": len(page),
        "sha256": hashlib.sha256(page).hexdigest(),
        "asked": asked,
    }


def log_report(workplace: Workplace, *, name: str) -> dict[str, Any]:
    """Log a written report to the tracking server, into the run of its name; logging it again replaces it.

    Raises:
        NoReport: it was never written.
        TrackingUnavailable: the tracking server does not answer; logging again is safe.
    """
    from training.tracking import ReportRecord, Tracking

    path = find(workplace.store.reports, name).path
    told = json.loads(path.with_suffix(".json").read_bytes())
    record = ReportRecord(
        name=name,
        html=path.read_text(encoding="utf-8"),
        metrics=told["figures"],
        tags={"month": told["month"], "retrain": str(told["retrain"]).lower()},
        description=told["sentence"],
        at=datetime.fromisoformat(told["at"]),
    )
    settings = workplace.train.model_copy(update={"experiment": f"{workplace.train.experiment}-reports"})
    return {"name": name, "run_id": Tracking.connect(settings).keep_report(record)}


def _ask(workplace: Workplace, name: str, reasons: tuple[str, ...]) -> bool:
    """Leave a request for a retraining, unless this report has left one before; whether one waits now."""
    reason = f"{name}: {'; '.join(reasons)}"[:500]
    with workplace.sessions.begin() as session:
        if not monthly.has_asked(session, f"{name}: "):
            retrain_requests.ask(session, job=JOB, reason=reason)
        return retrain_requests.waiting_id(session) is not None


def _gather(session: Session, workplace: Workplace, loop: LoopSettings, month: str) -> Facts:
    clock = monthly.clock(session)
    wanted = Month.parse(month) if month else Month.of(clock).before
    if wanted.since > clock:
        raise BadMonth(f"{wanted} has not begun")
    is_over = wanted.until <= clock
    since, until = wanted.since, wanted.until
    at = until if is_over else min(until, max(since, monthly.newest_moment(session) or since))
    found = monthly.judgements(session, since, until)
    return Facts(
        now=_flow(session, wanted, at),
        before=_flow(session, wanted.before, since),
        is_over=is_over,
        batches=monthly.batches(session, since, until),
        rows=_live_rows(workplace.store, monthly.manifest_at(session, until)),
        judgements=found,
        moves=monthly.moves(session, since, until),
        wishes=monthly.wishes(session, since, until),
        feedback=monthly.feedback(session, since, until),
        archived=monthly.archived(session, since, until),
        champion=_champion(session, workplace.store.runs, until, found),
        readings=[
            Reading(one.at, _WATCHED.get(one.kind, one.kind), one.value, one.threshold, one.finding == "alarm")
            for one in monthly.readings(session, since, until)
        ],
        rooms=list(_rooms(workplace.store.root)),
        labels={category.code: f"{category.code} {category.label}" for category in workplace.taxonomy},
        references=references_for(workplace.taxonomy),
        policy=Policy(loop.report_min_verdicts, loop.report_false_alarms, loop.watch_min_accuracy),
    )


def _flow(session: Session, month: Month, at: datetime) -> Flow:
    since, until = month.since, month.until
    return Flow(
        month=month,
        sent=monthly.sent(session, since, until),
        senders=monthly.senders(session, since, until),
        decided=monthly.decided(session, since, until),
        accepted=standing(monthly.label_events(session, since, until)),
        waiting=monthly.waiting(session, until),
        at=at,
    )


def _live_rows(store: StoreSettings, number: int | None) -> int | None:
    if number is None:
        return None
    try:
        manifest = manifests.read(store.training, number)
    except NoManifest:
        return None
    return sum(segment.rows for segment in manifest.segments) - len(manifest.tombstones)


def _champion(session: Session, runs: Path, until: datetime, found: list[monthly.Judgement]) -> Champion | None:
    steps = [step for step in promotions.steps(session) if step.at < until]
    version = steps[-1].models.get(MODEL) if steps else None
    if version is None:
        return None
    first = steps[-1]
    for step in reversed(steps):
        if step.models.get(MODEL) != version:
            break
        first = step
    beside = [one for one in found if one.said["champion"] == version and one.said["champion_weighted_f1"] is not None]
    again = beside[-1] if beside else None
    return Champion(
        version=version,
        epoch=first.epoch,
        since=first.at,
        holdout=_holdout(session, runs, version, until),
        again=HoldOut(again.at, again.said["manifest"], again.said["champion_weighted_f1"]) if again else None,
    )


def _holdout(session: Session, runs: Path, version: str, until: datetime) -> HoldOut | None:
    """What a package's own judgement says, with what the run's file adds where it is still there."""
    judged = judgements.newest_of(session, [version]).get(version)
    if judged is None or judged.said.weighted_f1 is None or judged.at >= until:
        return None
    measured = HoldOut(judged.at, judged.said.manifest, judged.said.weighted_f1)
    result = scores_of(runs, version, judged.said.manifest)
    if result is None:
        return measured
    scores = result["scores"]
    return HoldOut(
        measured.at,
        measured.manifest,
        measured.weighted_f1,
        interval=tuple(result["interval"]),
        accuracy=scores["accuracy"],
        calibration_error=(scores["calibration_error"], scores["calibration_error.honest_high"]),
    )


def _rooms(root: Path) -> Iterator[Room]:
    """Reports are no room: a report that counts itself is never the same twice."""
    for name in _ROOMS:
        if (root / name).is_dir():
            sizes = list(_sizes(root / name))
            yield Room(name, sum(sizes), len(sizes))


def _sizes(folder: Path) -> Iterator[int]:
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                yield (Path(where) / name).lstat().st_size
            except FileNotFoundError:  # a file that was being written aside, or was removed meanwhile
                continue
