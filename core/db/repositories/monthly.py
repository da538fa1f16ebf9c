"""What happened in a month, for its report: counted from rows that stay, so that a later look finds the same.

Spans are half open: from ``since`` until before ``until``, both naive UTC. What the check of the service sends is
no product of anybody's and is left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Subquery, case, func, or_, select, union
from sqlalchemy.orm import Session

from core.db.models import (
    ArchiveParcel,
    Audit,
    Outbox,
    Prediction,
    Promotion,
    QualityReading,
    RetrainRequest,
    SegmentClaim,
    UserAccount,
    Verdict,
)
from core.db.repositories import spans
from core.db.repositories.promotions import Move
from core.db.types import utc_now
from core.domain.review import CORRECT, ERASE, REJECT, REOPEN, RETRACT, UNDO, VALIDATE, OutboxKind, Status

_FETCH = 5_000  # rows held by the driver at a time
_LABELS = (VALIDATE.name, REJECT.name, UNDO.name, REOPEN.name, CORRECT.name, RETRACT.name)
_STANDING = (VALIDATE.name, REJECT.name, UNDO.name, REOPEN.name, RETRACT.name, ERASE.name)
_PACKAGES, _AFTER_PACKAGES = "package/", "package0"  # "0" comes next after "/"


@dataclass(frozen=True, slots=True)
class Sent:
    """Products of one day by the halves that the model read, and how many accounts sent them."""

    day: str
    modality: str
    rows: int


@dataclass(frozen=True, slots=True)
class Decided:
    """Verdicts of one day, person and kind; ``agrees``: the code that they left is the model's."""

    day: str
    reviewer: str
    action: str
    agrees: bool
    rows: int


@dataclass(frozen=True, slots=True)
class LabelEvent:
    """One verdict that gave, changed or took a label, with what the model had said of the product."""

    prediction_id: str
    action: str
    code: int
    at: datetime
    suggested: int
    confidence: float
    version: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Products of one day that nobody had decided about; ``oldest`` is when the first of them was sent."""

    day: str
    rows: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch that the training store took: rows added, rows taken out."""

    at: datetime
    manifest: int
    rows: int
    retractions: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """One judgement of a package, as the audit keeps it."""

    at: datetime
    said: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wish:
    """A request for a retraining; ``asked_by`` is None where a job asked."""

    at: datetime
    asked_by: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of the watch, as ``quality`` keeps it, without its details."""

    at: datetime
    kind: str
    value: float
    threshold: float
    finding: str


@dataclass(frozen=True, slots=True)
class Archived:
    """Rejected products that went into the archive and out of it, and how many were on their way at the end."""

    arrived: int
    removed: int
    waiting: int


def clock(session: Session) -> datetime:
    """The database's."""
    return session.execute(select(utc_now())).scalar_one()


def newest_moment(session: Session) -> datetime | None:
    """The last moment at which anything was written about a product or in the audit; None before the first."""
    found = [session.scalar(statement) for statement in (select_last_change(), select_last_act())]
    return max((moment for moment in found if moment is not None), default=None)


def select_last_change() -> Select[tuple[datetime | None]]:
    """When a product was changed last."""
    return select(func.max(Prediction.updated_at))


def select_last_act() -> Select[tuple[datetime | None]]:
    """When the newest row of the audit was written."""
    return select(Audit.at).order_by(Audit.id.desc()).limit(1)


def sent(session: Session, since: datetime, until: datetime) -> list[Sent]:
    """Products by day and modality."""
    return [Sent(str(day), modality, rows) for day, modality, rows in session.execute(select_sent(since, until))]


def select_sent(since: datetime, until: datetime) -> Select[tuple[Any, str, int]]:
    """The statement behind ``sent``."""
    day = func.date(Prediction.created_at).label("day")
    return (
        select(day, Prediction.modality, func.count())
        .where(*spans.created(since, until), spans.of_people())
        .group_by(day, Prediction.modality)
        .order_by(day, Prediction.modality)
    )


def senders(session: Session, since: datetime, until: datetime) -> int:
    """How many accounts sent products."""
    return session.scalars(select_senders(since, until)).one()


def select_senders(since: datetime, until: datetime) -> Select[tuple[int]]:
    """The statement behind ``senders``."""
    return select(func.count(Prediction.owner_id.distinct())).where(*spans.created(since, until), spans.of_people())


def decided(session: Session, since: datetime, until: datetime) -> list[Decided]:
    """Verdicts by day, person and kind."""
    rows = session.execute(select_decided(since, until))
    return [Decided(str(day), name, action, bool(agrees), count) for day, name, action, agrees, count in rows]


def select_decided(since: datetime, until: datetime) -> Select[tuple[Any, str, str, int, int]]:
    """The statement behind ``decided``."""
    day = func.date(Verdict.decided_at).label("day")
    agrees = case((Verdict.prdtypecode == Prediction.suggested_code, 1), else_=0).label("agrees")
    kind = (day, UserAccount.username, Verdict.action, agrees)
    return (
        select(*kind, func.count())
        .join(Prediction, Prediction.id == Verdict.prediction_id)
        .join(UserAccount, UserAccount.id == Verdict.reviewer_id)
        .where(*spans.decided(since, until), spans.of_people())
        .group_by(*kind)
        .order_by(*kind)
    )


def label_events(session: Session, since: datetime, until: datetime) -> Iterator[LabelEvent]:
    """Every verdict that gave, changed or took a label, in the order in which they were written."""
    for row in session.execute(select_label_events(since, until).execution_options(yield_per=_FETCH)):
        yield LabelEvent(*row)


def select_label_events(since: datetime, until: datetime) -> Select[Any]:
    """The statement behind ``label_events``."""
    said = (Prediction.suggested_code, Prediction.confidence, Prediction.model_version)
    # A verdict that takes a label away has a code as well: that of the product then.
    given = (Verdict.prediction_id, Verdict.action, func.coalesce(Verdict.prdtypecode, Prediction.suggested_code))
    return (
        select(*given, Verdict.decided_at, *said)
        .join(Prediction, Prediction.id == Verdict.prediction_id)
        .where(*spans.decided(since, until), Verdict.action.in_(_LABELS), spans.of_people())
        .order_by(Verdict.id)
    )


def waiting(session: Session, at: datetime) -> list[Waiting]:
    """What nobody had decided about at a moment, by the day on which it was sent."""
    rows = session.execute(select_waiting(at))
    return [Waiting(str(day), count, oldest) for day, count, oldest in rows]


def select_waiting(at: datetime) -> Select[tuple[Any, int, datetime]]:
    """The statement behind ``waiting``.

    Who waited then waits still, or has a verdict of later: only those are looked at.
    """
    candidates = union(
        select(Prediction.id).where(Prediction.status == Status.PENDING.value),
        select(Verdict.prediction_id).where(Verdict.decided_at >= at),
    ).subquery("candidates")
    last = _last_verdicts(candidates, at)
    day = func.date(Prediction.created_at).label("day")
    return (
        select(day, func.count(), func.min(Prediction.created_at))
        .join(candidates, candidates.c.id == Prediction.id)
        .outerjoin(last, last.c.prediction_id == Prediction.id)
        .outerjoin(Verdict, Verdict.id == last.c.id)
        .where(
            Prediction.created_at < at,
            spans.of_people(),
            or_(Verdict.id.is_(None), Verdict.action.in_([UNDO.name, REOPEN.name])),
        )
        .group_by(day)
        .order_by(day)
    )


def _last_verdicts(candidates: Subquery, at: datetime) -> Subquery:
    """The last verdict before ``at`` on each candidate that moved it in or out of the queue."""
    return (
        select(Verdict.prediction_id, func.max(Verdict.id).label("id"))
        .join(candidates, candidates.c.id == Verdict.prediction_id)
        .where(Verdict.decided_at < at, Verdict.action.in_(_STANDING))
        .group_by(Verdict.prediction_id)
        .subquery("last")
    )


def batches(session: Session, since: datetime, until: datetime) -> list[Batch]:
    """What the training store took, in order."""
    return [Batch(*row) for row in session.execute(select_batches(since, until))]


def select_batches(since: datetime, until: datetime) -> Select[Any]:
    """The statement behind ``batches``."""
    columns = (SegmentClaim.ingested_at, SegmentClaim.manifest, SegmentClaim.rows, SegmentClaim.retractions)
    within = SegmentClaim.ingested_at >= since, SegmentClaim.ingested_at < until
    return select(*columns).where(*within, SegmentClaim.manifest.is_not(None)).order_by(SegmentClaim.segment)


def manifest_at(session: Session, at: datetime) -> int | None:
    """The newest manifest that a batch had been marked with at a moment; None before the first."""
    return session.scalar(select_manifest_at(at))


def select_manifest_at(at: datetime) -> Select[tuple[int | None]]:
    """The statement behind ``manifest_at``."""
    return select(func.max(SegmentClaim.manifest)).where(SegmentClaim.ingested_at < at)


def judgements(session: Session, since: datetime, until: datetime) -> list[Judgement]:
    """Every judgement of a package, in order."""
    return [Judgement(*row) for row in session.execute(select_judgements(since, until))]


def select_judgements(since: datetime, until: datetime) -> Select[tuple[datetime, dict[str, Any]]]:
    """The statement behind ``judgements``; the package is in its subject, which is cut, and not told."""
    return (
        select(Audit.at, Audit.detail)
        .where(Audit.subject >= _PACKAGES, Audit.subject < _AFTER_PACKAGES, Audit.action == "judge")
        .where(Audit.at >= since, Audit.at < until)
        .order_by(Audit.id)
    )


def moves(session: Session, since: datetime, until: datetime) -> list[Move]:
    """The ledger's rows, oldest first, with the names of those who wrote them."""
    return [Move(row, name or row.actor) for row, name in session.execute(select_moves(since, until))]


def select_moves(since: datetime, until: datetime) -> Select[tuple[Promotion, str | None]]:
    """The statement behind ``moves``: accounts move the epoch by their id, jobs by their name."""
    return (
        select(Promotion, UserAccount.username)
        .join(UserAccount, UserAccount.id == Promotion.actor, isouter=True)
        .where(Promotion.created_at >= since, Promotion.created_at < until)
        .order_by(Promotion.epoch)
    )


def wishes(session: Session, since: datetime, until: datetime) -> list[Wish]:
    """Who asked for a retraining and why, in order."""
    return [Wish(*row) for row in session.execute(select_wishes(since, until))]


def select_wishes(since: datetime, until: datetime) -> Select[tuple[datetime, str | None, str]]:
    """The statement behind ``wishes``."""
    return (
        select(RetrainRequest.requested_at, UserAccount.username, RetrainRequest.reason)
        .join(UserAccount, UserAccount.id == RetrainRequest.requested_by, isouter=True)
        .where(RetrainRequest.requested_at >= since, RetrainRequest.requested_at < until)
        .order_by(RetrainRequest.requested_at, RetrainRequest.id)
    )


def has_asked(session: Session, name: str) -> bool:
    """Whether a job has asked for a retraining with words that begin with this name, whatever came of it."""
    return session.scalar(select_asked(name)) is not None


def select_asked(name: str) -> Select[tuple[str]]:
    """The statement behind ``has_asked``."""
    of_job = RetrainRequest.requested_by.is_(None), RetrainRequest.reason.startswith(name, autoescape=True)
    return select(RetrainRequest.id).where(*of_job).limit(1)


def readings(session: Session, since: datetime, until: datetime) -> list[Reading]:
    """What the watch read, in order."""
    return [Reading(*row) for row in session.execute(select_readings(since, until))]


def select_readings(since: datetime, until: datetime) -> Select[Any]:
    """The statement behind ``readings``: there is one every few minutes, so without what few need."""
    columns = (QualityReading.at, QualityReading.kind, QualityReading.value, QualityReading.threshold)
    within = QualityReading.at >= since, QualityReading.at < until
    return select(*columns, QualityReading.finding).where(*within).order_by(QualityReading.id)


def feedback(session: Session, since: datetime, until: datetime) -> dict[str, int]:
    """What senders said of answers, as it stands now, by kind."""
    return {kind: rows for kind, rows in session.execute(select_feedback(since, until))}  # noqa: C416 - rows are no pairs


def select_feedback(since: datetime, until: datetime) -> Select[tuple[str, int]]:
    """The statement behind ``feedback``."""
    return (
        select(Prediction.feedback, func.count())
        .where(Prediction.feedback.is_not(None), Prediction.feedback_at >= since, Prediction.feedback_at < until)
        .where(spans.of_people())
        .group_by(Prediction.feedback)
        .order_by(Prediction.feedback)
    )


def archived(session: Session, since: datetime, until: datetime) -> Archived:
    """What the archive was given and gave back, and what waited for it at the end."""
    arrived, removed = session.execute(select_archived(since, until)).one()
    return Archived(int(arrived or 0), int(removed or 0), session.scalars(select_archive_waiting(until)).one())


def select_archived(since: datetime, until: datetime) -> Select[tuple[int | None, int | None]]:
    """The statement behind ``archived``."""
    arrived = case(((ArchiveParcel.archived_at >= since) & (ArchiveParcel.archived_at < until), 1), else_=0)
    removed = case(((ArchiveParcel.removed_at >= since) & (ArchiveParcel.removed_at < until), 1), else_=0)
    return select(func.sum(arrived), func.sum(removed))


def select_archive_waiting(at: datetime) -> Select[tuple[int]]:
    """Rejections that were on their way into the archive at a moment."""
    return select(func.count()).where(
        Outbox.kind == OutboxKind.ARCHIVE.value,
        Outbox.created_at < at,
        or_(Outbox.done_at.is_(None), Outbox.done_at >= at),
    )
