"""The verb ``companion``: serve a model beside the champion, under its own name.

A companion answers only those who ask for it by name, so no gate stands before it: its golden answers must hold.
"""

import logging
from typing import Any

from sqlalchemy.orm import Session

from core.db.models import Promotion
from core.db.repositories import promotions
from core.db.session import transact
from core.errors import Conflict
from core.registry.packages import claim
from inference.model import ServedModel
from training.jobs.release import mirror
from training.jobs.workplace import MODEL, Workplace

log = logging.getLogger(__name__)

ACTOR, KIND = "training.jobs", "companion"


class NoCompanion(Conflict):
    """The package cannot be served beside the champion under this name."""

    code = "release.no_companion"


def release_companion(workplace: Workplace, *, model: str, package: str | None = None) -> dict[str, Any]:
    """Serve ``package`` (None: the one that was trained last) as ``model``; what else is served stays as it is.

    Doing it twice is harmless.

    Returns:
        ``epoch``, ``model``, ``package``, ``models``, all that is now served, and ``mirrored``: whether the tracking
        server's aliases follow.

    Raises:
        NoCompanion: the name is the gated model's, no package of this name was trained here, the package is another
            model's, or nothing is served yet.
        MissingPackage, CorruptPackage, GoldenMismatch, UnsupportedPreprocessing: it cannot answer here.
        EpochMoved: somebody else moved the release meanwhile; doing it again is safe.
    """
    if model == MODEL:
        raise NoCompanion(f"{MODEL} is served by the gate's decision: judge and promote it")
    sha = package or _trained_last(workplace, model)
    claim(workplace.store.packages, sha)
    served = ServedModel.load(workplace.store.packages, sha, encoders=workplace.pool)  # checks golden answers
    if served.name != model:
        raise NoCompanion(f"package {sha[:12]} is a {served.name}. Asked for: {model}")
    row = transact(workplace.sessions, lambda session: _add(session, model, sha))
    log.info("release.companion", extra={"epoch": row.epoch, "model": model, "package": sha})
    return {"epoch": row.epoch, "model": model, "package": sha, "models": row.models, "mirrored": mirror(workplace)}


def _trained_last(workplace: Workplace, model: str) -> str:
    last = workplace.runs.last_trained(model).read()
    if last is None:
        raise NoCompanion(f"no {model} was trained here: train it first")
    return last["package"]


def _add(session: Session, model: str, package: str) -> Promotion:
    """The next epoch; run, snapshot and gate's report stay those of the champion, which they describe."""
    now = promotions.current(session)
    if now is None:
        raise NoCompanion(f"nothing is served yet: a companion needs a {MODEL} to stand beside")
    if now.models.get(model) == package:
        return now
    return promotions.promote(
        session,
        expected_epoch=now.epoch,
        models={**now.models, model: package},
        actor=ACTOR,
        reason=f"{model} beside the champion",
        kind=KIND,
        gate_report=now.gate_report,
        run_id=now.run_id,
        manifest=now.manifest,
        taxonomy_version=now.taxonomy_version,
    )
