"""What judgements found: of which states of the training store there is one, and what was said of each package.

A judgement is up to two rows of the audit, so it is kept for good and sealed with the rest: a short one about the
manifest, which tells a batch that was trained on from one whose training failed, and the whole of it about the package.
Only the gated model's judgement is about a manifest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from core.db.models import Audit, RetrainRequest, SegmentClaim
from core.db.repositories import audit

ACTOR = "training"
"""Who writes what trainings found."""

_ACTION = "judge"
_DECLINED = "decline"
_MANIFESTS = "manifest/"
_AFTER_MANIFESTS = "manifest0"  # "0" comes next after "/"
_LONGEST_SUBJECT = 64


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judgement said of one package.

    Attributes:
        manifest: the snapshot on whose hold-out it was judged.
        decision: ``first``, ``promote``, ``grey``, ``refuse`` or ``companion``.
        epoch: the release it was compared with; 0 for none.
        champion: the package that this release served under its name; None for none.
        run_id: the tracking server's run; None where the package was not worth one.
        weighted_f1: of the package on those rows, in [0, 1].
        champion_weighted_f1: of what was served under its name.
        gate: outcome, reasons, evidence and policy, as plain JSON.
    """

    manifest: int
    decision: str
    epoch: int
    champion: str | None
    run_id: str | None
    weighted_f1: float | None
    champion_weighted_f1: float | None
    gate: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """A judgement that is on record: when it was made (naive UTC), and what it said."""

    at: datetime
    said: Judgement


@dataclass(frozen=True, slots=True)
class Answer:
    """The first judgement after a moment: of which package, and how it ended."""

    at: datetime
    package: str
    decision: str


def record(session: Session, *, package: str, judgement: Judgement, gated: bool) -> None:
    """Remember that ``package`` (64 hexadecimal digits) was judged, whatever was decided.

    A training on nothing new gives the champion again. Beside itself nothing new is said of it, only of the manifest.
    """
    if judgement.champion != package:
        detail = {**asdict(judgement), "gate": dict(judgement.gate)}
        audit.record(session, actor=ACTOR, action=_ACTION, subject=subject_of_package(package), detail=detail)
    if gated:
        brief = {"package": package, "decision": judgement.decision}
        subject = _of_manifest(judgement.manifest)
        audit.record(session, actor=ACTOR, action=_ACTION, subject=subject, detail=brief)


def decline(session: Session, *, package: str, asked_by: str, ending: str, who: str, why: str) -> None:
    """Remember that a person who was asked about ``package`` did not let it be served; twice is once.

    Args:
        session: an open transaction; the caller ends it.
        package: sha of what was decided about.
        asked_by: the run that asked, at most 250 characters.
        ending: ``rejected``, ``expired`` or ``moved``.
        who: who answered, where somebody did; cut to 64 characters.
        why: the person's reason; cut to 500 characters.
    """
    subject = subject_of_package(package)
    actor, detail = who[:64] or "nobody", {"asked_by": asked_by, "ending": ending, "why": why[:500]}
    if (actor, detail) not in [tuple(known) for known in session.execute(select_declined(subject))]:
        audit.record(session, actor=actor, action=_DECLINED, subject=subject, detail=detail)


def newest_of(session: Session, packages: Iterable[str]) -> dict[str, Judged]:
    """The newest judgement of each package that has one, by the package's sha."""
    subjects = {subject_of_package(package): package for package in packages}
    if not subjects:
        return {}
    rows = session.execute(select_newest(list(subjects)))
    return {subjects[subject]: Judged(at, Judgement(**detail)) for subject, at, detail in rows}


def newest_is_missing(session: Session) -> bool:
    """Whether the newest batch of the training store was never judged. False before the first batch.

    A base import alone is not a batch: its first model is trained by whoever imported it.
    """
    manifest = session.scalar(select_newest_batch())
    return manifest is not None and session.scalar(select_judged(_of_manifest(manifest))) is None


def wish_is_unanswered(session: Session) -> bool:
    """Whether a run took a person's wish for a retraining and nothing was judged since."""
    taken_at = session.scalar(select_last_taken())
    return taken_at is not None and first_since(session, taken_at) is None


def first_since(session: Session, moment: datetime) -> Answer | None:
    """The first judgement of a gated model at or after ``moment`` (naive UTC)."""
    found = session.execute(select_since(moment)).one_or_none()
    return Answer(found.at, found.detail["package"], found.detail["decision"]) if found else None


def subject_of_package(package: str) -> str:
    """What the audit calls a package. Cut to what a subject holds: 56 digits of the sha still name one package."""
    return f"package/{package}"[:_LONGEST_SUBJECT]


def select_newest(subjects: list[str]) -> Select[tuple[str, datetime, dict[str, Any]]]:
    """The statement behind ``newest_of``, by subject."""
    judged = Audit.subject.in_(subjects), Audit.action == _ACTION
    last = select(func.max(Audit.id)).where(*judged).group_by(Audit.subject)
    return select(Audit.subject, Audit.at, Audit.detail).where(Audit.id.in_(last))


def select_declined(subject: str) -> Select[tuple[str, dict[str, Any]]]:
    """Who did not let a package through, and all that is known of it."""
    return select(Audit.actor, Audit.detail).where(Audit.subject == subject, Audit.action == _DECLINED)


def select_newest_batch() -> Select[tuple[int | None]]:
    """The manifest that first held the newest batch."""
    newest = select(SegmentClaim.manifest).where(SegmentClaim.ingested_at.is_not(None))
    return newest.order_by(SegmentClaim.segment.desc()).limit(1)


def select_judged(subject: str) -> Select[tuple[int]]:
    """A judgement of one manifest."""
    return select(Audit.id).where(Audit.subject == subject, Audit.action == _ACTION).limit(1)


def select_since(moment: datetime) -> Select[tuple[datetime, dict[str, Any]]]:
    """The statement behind ``first_since``."""
    of_manifests = Audit.subject >= _MANIFESTS, Audit.subject < _AFTER_MANIFESTS
    judged = select(Audit.at, Audit.detail).where(*of_manifests, Audit.action == _ACTION, Audit.at >= moment)
    return judged.order_by(Audit.id).limit(1)


def select_last_taken() -> Select[tuple[datetime | None]]:
    """When a wish for a retraining was last taken by a run."""
    return select(func.max(RetrainRequest.taken_at))


def _of_manifest(manifest: int) -> str:
    return f"{_MANIFESTS}{manifest}"
