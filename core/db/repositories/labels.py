"""A person's labels: which of them stand, and which snapshots of the training store held them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, func, select
from sqlalchemy.orm import Session, aliased

from core.db.models import Outbox, Prediction, SegmentClaim, Verdict
from core.domain.review import CORRECT, RETRACT, VALIDATE, OutboxKind, Status

_LABELS = (VALIDATE.name, CORRECT.name)


@dataclass(frozen=True, slots=True)
class Span:
    """The verdicts of one account, decided from ``since`` (inclusive) to ``until`` (exclusive), both naive UTC."""

    reviewer_id: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Stay:
    """The snapshots that held a label: from manifest ``since`` until before ``until`` (None: it is still there)."""

    since: int
    until: int | None


@dataclass(frozen=True, slots=True)
class Count:
    """How many standing labels have this split (None: never ingested); ``waiting``: no batch has claimed them."""

    split: str | None
    waiting: bool
    rows: int


def standing(session: Session, span: Span, limit: int) -> Sequence[Prediction]:
    """Up to ``limit`` accepted predictions whose standing label is one of ``span``'s, by id."""
    return session.scalars(select_standing(span).limit(limit)).all()


def select_standing(span: Span) -> Select[tuple[Prediction]]:
    """The statement behind ``standing``, without its limit."""
    return select(Prediction).join(Verdict, _is_standing_label()).where(*_within(span)).order_by(Prediction.id)


def count_standing(session: Session, span: Span) -> list[Count]:
    """How many labels ``standing`` would give in all."""
    return [Count(split, bool(waiting), rows) for split, waiting, rows in session.execute(select_counts(span))]


def select_counts(span: Span) -> Select[tuple[str | None, bool, int]]:
    """The statement behind ``count_standing``."""
    waits = and_(
        Outbox.prediction_id == Prediction.id,
        Outbox.version == Prediction.version,
        Outbox.kind == OutboxKind.APPEND.value,
        Outbox.segment.is_(None),
        Outbox.done_at.is_(None),
        Prediction.status == Status.VALIDATED.value,
    )
    waiting = Outbox.id.is_not(None)
    return (
        select(Prediction.split, waiting, func.count())
        .select_from(Prediction)
        .join(Verdict, _is_standing_label())
        .outerjoin(Outbox, waits)
        .where(*_within(span))
        .group_by(Prediction.split, waiting)
    )


def _is_standing_label() -> ColumnElement[bool]:
    """An accepted prediction's version is that of the verdict that accepted it, or corrected it last."""
    accepted = sorted(status.value for status in RETRACT.allowed)
    return and_(
        Verdict.prediction_id == Prediction.id,
        Verdict.prediction_version == Prediction.version,
        Prediction.status.in_(accepted),
    )


def _within(span: Span) -> tuple[ColumnElement[bool], ...]:
    return (
        Verdict.action.in_(_LABELS),
        Verdict.reviewer_id == span.reviewer_id,
        Verdict.decided_at >= span.since,
        Verdict.decided_at < span.until,
    )


def stays(session: Session, span: Span) -> Iterator[Stay]:
    """Where the labels of ``span`` are or were in the training store, whether they still stand or not."""
    for since, until in session.execute(select_stays(span)):
        yield Stay(since, until)


def select_stays(span: Span) -> Select[tuple[int, int | None]]:
    """The statement behind ``stays``: each published append with the first retraction after it that was published."""
    return (
        select(SegmentClaim.manifest, retracted_in())
        .select_from(Verdict)
        .join(
            Outbox,
            and_(Outbox.prediction_id == Verdict.prediction_id, Outbox.version == Verdict.prediction_version),
        )
        .join(SegmentClaim, SegmentClaim.segment == Outbox.segment)
        .where(*_within(span), Outbox.kind == OutboxKind.APPEND.value, SegmentClaim.manifest.is_not(None))
        .distinct()
    )


def retracted_in() -> ScalarSelect[int | None]:
    """The first manifest without the row of an append, which is the ``Outbox`` of the statement around this."""
    gone, gone_claim = aliased(Outbox), aliased(SegmentClaim)
    return (
        select(func.min(gone_claim.manifest))
        .select_from(gone)
        .join(gone_claim, gone_claim.segment == gone.segment)
        .where(
            gone.prediction_id == Outbox.prediction_id,
            gone.kind == OutboxKind.RETRACT.value,
            gone.version > Outbox.version,
        )
        .scalar_subquery()
    )
