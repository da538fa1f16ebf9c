"""Rejected products on their way into the archive and out of it.

Claiming writes the ids of what will be sent and takes the work out of the outbox in one transaction: from then on
the rejection cannot be undone, and whoever delivers, however often, delivers the same things.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, Update, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.db.models import ArchiveDay, ArchiveParcel, Outbox, Prediction, Verdict
from core.db.repositories import audit
from core.db.types import utc_now
from core.domain.review import OutboxKind, Status
from core.errors import Conflict

ACTOR = "archive"
_CLAIMED = 0
"""In the place of a segment's number: no batch of the training store claims archive work."""
_UNSYNCHRONISED = {"synchronize_session": False}


class TakenMeanwhile(Conflict):
    """Somebody undid, erased or claimed a rejection first."""

    code = "archive.taken_meanwhile"


@dataclass(frozen=True, slots=True)
class Rejection:
    """A rejected product whose archiving nobody has claimed; ``rejected_at`` is naive UTC."""

    outbox_id: int
    prediction_id: str
    version: int
    rejected_at: datetime


@dataclass(frozen=True, slots=True)
class Content:
    """What the archive keeps of a product: its row as it stands, why it was rejected, and when (naive UTC)."""

    row: Prediction
    reason: str | None
    rejected_at: datetime


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much is on its way, and how long the oldest of it has been (seconds; 0 for none)."""

    waiting: int
    oldest_age_s: float


def waiting(session: Session, limit: int) -> list[Rejection]:
    """Up to ``limit`` rejections that nobody has claimed, oldest first."""
    return [Rejection(*row) for row in session.execute(select_waiting(limit))]


def select_waiting(limit: int) -> Select[tuple[int, str, int, datetime]]:
    """The statement behind ``waiting``."""
    return (
        select(Outbox.id, Outbox.prediction_id, Outbox.version, Outbox.created_at)
        .where(Outbox.kind == OutboxKind.ARCHIVE.value, Outbox.segment.is_(None), Outbox.done_at.is_(None))
        .order_by(Outbox.id)
        .limit(limit)
    )


def day_folder(session: Session, place: str, day: str) -> str | None:
    """The id of a day's folder, None where none was given out."""
    return session.scalar(select(ArchiveDay.folder_id).where(ArchiveDay.place == place, ArchiveDay.day == day))


def name_day_folder(session: Session, place: str, day: str, folder_id: str) -> str:
    """Give a day's folder this id, unless it has one; returns the id it has."""
    try:
        # A statement of its own and no savepoint: after a duplicate key the transaction goes on, on every database.
        session.execute(insert(ArchiveDay).values(place=place, day=day, folder_id=folder_id))
    except IntegrityError:
        known = day_folder(session, place, day)
        if known is None:
            raise
        return known
    return folder_id


def claim(session: Session, rejection: Rejection, *, place: str, day: str, ids: Mapping[str, str]) -> None:
    """Take a rejection.

    The parcel comes first: it waits for whoever is changing the product, before the outbox is touched, as everybody
    who changes both does.

    Raises:
        TakenMeanwhile: it was undone, erased or claimed; roll back.
    """
    values = {"prediction_id": rejection.prediction_id, "version": rejection.version, "place": place, "day": day}
    try:
        session.execute(insert(ArchiveParcel).values(**values, ids=dict(ids)))
    except IntegrityError as error:
        raise TakenMeanwhile("the rejection was claimed, or its product is gone") from error
    if session.execute(update_of_claim(rejection.outbox_id), execution_options=_UNSYNCHRONISED).rowcount != 1:
        raise TakenMeanwhile("the rejection was undone")


def update_of_claim(outbox_id: int) -> Update:
    """The guarded statement behind ``claim``."""
    return (
        update(Outbox)
        .where(Outbox.id == outbox_id, Outbox.segment.is_(None), Outbox.done_at.is_(None))
        .values(segment=_CLAIMED)
    )


def undelivered(session: Session) -> Sequence[ArchiveParcel]:
    """Everything claimed and not archived, oldest first."""
    statement = select(ArchiveParcel).where(ArchiveParcel.archived_at.is_(None))
    return session.scalars(statement.order_by(ArchiveParcel.claimed_at, ArchiveParcel.prediction_id)).all()


def content(session: Session, parcel: ArchiveParcel) -> Content | None:
    """What a parcel is to hold; None where its product is not rejected any more: somebody else has delivered it."""
    row = session.execute(select_content(parcel.prediction_id, parcel.version)).one_or_none()
    return None if row is None else Content(*row)


def select_content(prediction_id: str, version: int) -> Select[tuple[Prediction, str | None, datetime]]:
    """The statement behind ``content``."""
    return (
        select(Prediction, Verdict.reason, Verdict.decided_at)
        .join(Verdict, (Verdict.prediction_id == Prediction.id) & (Verdict.prediction_version == Prediction.version))
        .where(
            Prediction.id == prediction_id,
            Prediction.version == version,
            Prediction.status == Status.REJECTED.value,
        )
    )


def mark_archived(session: Session, parcel: ArchiveParcel) -> bool:
    """Say that a parcel has arrived; False where somebody else has said so before.

    The product's version stays: nobody decided anything.
    """
    moved = session.execute(
        update_of_archived(parcel.prediction_id, parcel.version), execution_options=_UNSYNCHRONISED
    ).rowcount
    if moved != 1:
        return False
    for statement_of in (update_of_done, update_of_arrival):
        session.execute(statement_of(parcel.prediction_id, parcel.version), execution_options=_UNSYNCHRONISED)
    subject = f"prediction/{parcel.prediction_id}"
    detail = {"place": parcel.place, "day": parcel.day}
    audit.record(session, actor=ACTOR, action="archive", subject=subject, version=parcel.version, detail=detail)
    return True


def update_of_archived(prediction_id: str, version: int) -> Update:
    """The guarded statement behind ``mark_archived``."""
    return (
        update(Prediction)
        .where(
            Prediction.id == prediction_id,
            Prediction.version == version,
            Prediction.status == Status.REJECTED.value,
        )
        .values(status=Status.ARCHIVED.value)
    )


def update_of_done(prediction_id: str, version: int) -> Update:
    """Mark the work of one rejection done."""
    return (
        update(Outbox)
        .where(
            Outbox.prediction_id == prediction_id,
            Outbox.version == version,
            Outbox.kind == OutboxKind.ARCHIVE.value,
            Outbox.done_at.is_(None),
        )
        .values(done_at=utc_now())
    )


def update_of_arrival(prediction_id: str, version: int) -> Update:
    """Note that a parcel lies in the archive."""
    return (
        update(ArchiveParcel)
        .where(ArchiveParcel.prediction_id == prediction_id, ArchiveParcel.version == version)
        .values(archived_at=utc_now())
    )


def kept_since(session: Session, moment: datetime, *, limit: int) -> Sequence[Prediction]:
    """Up to ``limit`` archived products that arrived before ``moment`` (naive UTC) and are not erased, by id."""
    return session.scalars(select_kept_since(moment).limit(limit)).all()


def count_kept_since(session: Session, moment: datetime) -> int:
    """How many products ``kept_since`` would give without its limit."""
    return session.scalar(select(func.count()).select_from(select_kept_since(moment).subquery())) or 0


def select_kept_since(moment: datetime) -> Select[tuple[Prediction]]:
    """The statement behind ``kept_since``, without its limit."""
    arrived = select(ArchiveParcel.prediction_id).where(ArchiveParcel.archived_at < moment)
    return (
        select(Prediction)
        .where(
            Prediction.status == Status.ARCHIVED.value,
            Prediction.erase_requested_at.is_(None),
            Prediction.id.in_(arrived),
        )
        .order_by(Prediction.id)
    )


def request_removal(session: Session, prediction_id: str) -> int:
    """Have everything of a product taken out of the archive; returns how many parcels that is."""
    return session.execute(update_of_removal_request(prediction_id), execution_options=_UNSYNCHRONISED).rowcount


def update_of_removal_request(prediction_id: str) -> Update:
    """The statement behind ``request_removal``."""
    return (
        update(ArchiveParcel)
        .where(ArchiveParcel.prediction_id == prediction_id, ArchiveParcel.remove_requested_at.is_(None))
        .values(remove_requested_at=utc_now())
    )


def unremoved(session: Session) -> Sequence[ArchiveParcel]:
    """Everything that is to go and has not gone, oldest wish first."""
    statement = select(ArchiveParcel).where(
        ArchiveParcel.removed_at.is_(None), ArchiveParcel.remove_requested_at.is_not(None)
    )
    return session.scalars(statement.order_by(ArchiveParcel.remove_requested_at, ArchiveParcel.prediction_id)).all()


def mark_removed(session: Session, parcel: ArchiveParcel) -> bool:
    """Say that a parcel is gone; False where somebody else has said so before."""
    statement = update_of_removal(parcel.prediction_id, parcel.version)
    if session.execute(statement, execution_options=_UNSYNCHRONISED).rowcount != 1:
        return False
    subject = f"prediction/{parcel.prediction_id}"
    audit.record(session, actor=ACTOR, action="unarchive", subject=subject, version=parcel.version)
    return True


def update_of_removal(prediction_id: str, version: int) -> Update:
    """The guarded statement behind ``mark_removed``."""
    return (
        update(ArchiveParcel)
        .where(
            ArchiveParcel.prediction_id == prediction_id,
            ArchiveParcel.version == version,
            ArchiveParcel.remove_requested_at.is_not(None),
            ArchiveParcel.removed_at.is_(None),
        )
        .values(removed_at=utc_now())
    )


def backlog(session: Session) -> Backlog:
    """What is on its way into the archive, claimed or not."""
    rows, oldest, now = session.execute(select_backlog()).one()
    return Backlog(rows, max(0.0, (now - oldest).total_seconds()) if oldest else 0.0)


def select_backlog() -> Select[tuple[int, datetime | None, datetime]]:
    """The statement behind ``backlog``."""
    return select(func.count(), func.min(Outbox.created_at), utc_now()).where(
        Outbox.kind == OutboxKind.ARCHIVE.value, Outbox.done_at.is_(None)
    )
