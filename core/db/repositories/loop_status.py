"""Where the loop stands: what waits for a training or for a person, and when each job last did something."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from core.db.models import ArchiveParcel, Audit, AuditSeal, QualityReading, SegmentClaim, StoreCheck

_JUDGED = "judge"
_GREY = "grey"
_MANIFESTS, _AFTER_MANIFESTS = "manifest/", "manifest0"  # "0" comes next after "/"
_PACKAGES, _AFTER_PACKAGES = "package/", "package0"
_LOOKED_AT = 50  # newest acts about packages: a challenger that waits is one of the last


@dataclass(frozen=True, slots=True)
class Untrained:
    """Rows and retractions in the training store that no judged model has learnt; since when (naive UTC)."""

    rows: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A challenger in the grey zone that waits for a person: its package, and since when (naive UTC)."""

    package: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Run:
    """The last time that a job did something: when (naive UTC), and what came of it as plain JSON."""

    at: datetime
    came: Mapping[str, Any]


def untrained(session: Session) -> Untrained:
    """What the newest judged snapshot does not hold.

    Before the first judgement every batch is such: the first model is trained by whoever imported the base.
    """
    rows, retractions, since = session.execute(select_untrained(_newest_judged(session))).one()
    return Untrained(int(rows or 0) + int(retractions or 0), since)


def _newest_judged(session: Session) -> int:
    subjects = session.scalars(select_judged_manifests())
    return max((int(subject.removeprefix(_MANIFESTS)) for subject in subjects), default=0)


def select_judged_manifests() -> Select[tuple[str]]:
    """Every manifest whose model was judged; there is one a training."""
    within = Audit.subject >= _MANIFESTS, Audit.subject < _AFTER_MANIFESTS
    return select(Audit.subject).where(*within, Audit.action == _JUDGED).distinct()


def select_untrained(manifest: int) -> Select[Any]:
    """The statement behind ``untrained``: batches that came after a manifest."""
    figures = (func.sum(SegmentClaim.rows), func.sum(SegmentClaim.retractions), func.min(SegmentClaim.ingested_at))
    return select(*figures).where(SegmentClaim.ingested_at.is_not(None), SegmentClaim.manifest > manifest)


def asked(session: Session, *, epoch: int) -> Asked | None:
    """The newest challenger about which the gate was unsure and nobody has answered.

    Args:
        session: an open transaction.
        epoch: the newest release; what was compared with an earlier one is not to be decided any more.
    """
    answered: set[str] = set()
    for at, action, subject, detail in session.execute(select_package_acts()):
        if action != _JUDGED:
            answered.add(subject)
        elif subject not in answered:
            answered.add(subject)
            if detail["decision"] == _GREY and detail["epoch"] == epoch:
                return Asked(subject.removeprefix(_PACKAGES), at)
    return None


def select_package_acts() -> Select[tuple[datetime, str, str, dict[str, Any]]]:
    """The newest judgements of packages and people's answers to them, newest first."""
    within = Audit.subject >= _PACKAGES, Audit.subject < _AFTER_PACKAGES
    columns = (Audit.at, Audit.action, Audit.subject, Audit.detail)
    return select(*columns).where(*within).order_by(Audit.id.desc()).limit(_LOOKED_AT)


def last_runs(session: Session) -> dict[str, Run]:
    """When something was last appended, judged, archived, watched, sealed and checked; what never was is absent."""
    found = {name: session.execute(statement).first() for name, statement in _LAST.items()}
    runs = {name: Run(row[0], _came(row)) for name, row in found.items() if row is not None and row[0] is not None}
    watched = session.execute(select_last_readings()).all()
    if watched:
        newest = max(row.at for row in watched)
        runs["watch"] = Run(newest, {"findings": {row.kind: row.finding for row in watched}})
    return runs


def _came(row: Any) -> dict[str, Any]:
    """What stands beside the moment, by its column; of a judgement only what its page shows in one line."""
    named = dict(row._mapping)
    said = named.pop("detail", None) or {}
    return {name: value for name, value in named.items() if name != "at"} | {
        name: said[name] for name in ("decision", "weighted_f1", "manifest") if name in said
    }


def select_last_append() -> Select[Any]:
    """The batch that the training store took last."""
    columns = (SegmentClaim.ingested_at.label("at"), SegmentClaim.rows, SegmentClaim.retractions, SegmentClaim.manifest)
    finished = SegmentClaim.ingested_at.is_not(None)
    return select(*columns).where(finished).order_by(SegmentClaim.segment.desc()).limit(1)


def select_last_judgement() -> Select[Any]:
    """The package that was judged last."""
    judged = Audit.subject >= _PACKAGES, Audit.subject < _AFTER_PACKAGES, Audit.action == _JUDGED
    return select(Audit.at.label("at"), Audit.detail).where(*judged).order_by(Audit.id.desc()).limit(1)


def select_last_archived() -> Select[Any]:
    """When a rejected product last arrived in the archive."""
    return select(func.max(ArchiveParcel.archived_at).label("at"))


def select_last_seal() -> Select[Any]:
    """The newest link of the chain over the audit."""
    columns = AuditSeal.sealed_at.label("at"), AuditSeal.seal, AuditSeal.rows
    return select(*columns).order_by(AuditSeal.seal.desc()).limit(1)


def select_last_check() -> Select[Any]:
    """The newest check of the invariants."""
    columns = StoreCheck.checked_at.label("at"), StoreCheck.complete, StoreCheck.violations
    return select(*columns).order_by(StoreCheck.id.desc()).limit(1)


def select_last_readings() -> Select[Any]:
    """The newest reading of each kind."""
    last = select(func.max(QualityReading.id)).group_by(QualityReading.kind)
    columns = QualityReading.at, QualityReading.kind, QualityReading.finding
    return select(*columns).where(QualityReading.id.in_(last)).order_by(QualityReading.kind)


_LAST = {
    "append": select_last_append(),
    "judge": select_last_judgement(),
    "archive": select_last_archived(),
    "seal": select_last_seal(),
    "check": select_last_check(),
}
