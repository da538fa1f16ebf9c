"""The facts that the store's invariants are checked against."""

from collections import defaultdict
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from core.db.models import Outbox, Prediction, Promotion, SegmentClaim, Verdict
from core.db.repositories import audit
from core.db.types import utc_now
from core.domain.consistency import Answered, Batch, Release, Staged, Staging, Work
from core.domain.review import OutboxKind, Status

_FETCH = 5_000  # rows held by the driver at a time


def staging(session: Session, *, full: bool = True, as_of: datetime | None = None) -> Staging:
    """Everything the database says of the loop.

    Args:
        session: a transaction, best one that sees one moment.
        full: compute every link of the audit again; otherwise only the newest.
        as_of: when ages are measured, UTC; None: now, by the database's clock.
    """
    now: datetime = as_of or session.execute(select(utc_now())).scalar_one()
    return Staging(
        predictions=_predictions(session, _work(session, now)),
        batches=tuple(_batch(now, *row) for row in session.execute(select_batches())),
        releases=tuple(Release(*row) for row in session.execute(select_releases())),
        answered=tuple(Answered(*row) for row in session.execute(select_answered())),
        seals=tuple(audit.sealed(session, full=full)),
    )


def _work(session: Session, now: datetime) -> dict[str, list[Work]]:
    found: defaultdict[str, list[Work]] = defaultdict(list)
    rows = session.execute(select_work().execution_options(yield_per=_FETCH))
    for prediction_id, kind, version, code, segment, row, done_at, created_at in rows:
        age_s = (now - created_at).total_seconds()
        work = Work(OutboxKind(kind), version, code, segment, row, done_at is not None, age_s)
        found[prediction_id].append(work)
    return found


def _predictions(session: Session, work: dict[str, list[Work]]) -> dict[str, Staged]:
    rows = session.execute(select_decided().execution_options(yield_per=_FETCH))
    return {
        prediction_id: Staged(Status(status), *facts, work=tuple(work.get(prediction_id, ())))
        for prediction_id, status, *facts in rows
    }


def _batch(now: datetime, segment: int, rows: int, retractions: int, manifest: int | None, since: datetime) -> Batch:
    return Batch(segment, rows, retractions, manifest, (now - since).total_seconds())


def select_work() -> Select[Any]:
    """The outbox, each row with the code of the verdict that left it."""
    return (
        select(
            Outbox.prediction_id,
            Outbox.kind,
            Outbox.version,
            Verdict.prdtypecode,
            Outbox.segment,
            Outbox.segment_row,
            Outbox.done_at,
            Outbox.created_at,
        )
        .outerjoin(
            Verdict, and_(Verdict.prediction_id == Outbox.prediction_id, Verdict.prediction_version == Outbox.version)
        )
        .order_by(Outbox.id)
    )


def select_decided() -> Select[Any]:
    """Predictions that anybody decided about, in the order of ``Staged``'s attributes."""
    verdicts = (
        select(func.count())
        .where(
            Verdict.prediction_id == Prediction.id,
            Verdict.prediction_version >= 2,
            Verdict.prediction_version <= Prediction.version,
        )
        .scalar_subquery()
    )
    standing = Verdict.__table__.alias("standing")
    blank = and_(Prediction.designation == "", Prediction.description.is_(None), Prediction.image_sha256.is_(None))
    return (
        select(
            Prediction.id,
            Prediction.status,
            Prediction.version,
            Prediction.current_code,
            verdicts,
            standing.c.action,
            standing.c.prdtypecode,
            Prediction.split,
            Prediction.cluster,
            Prediction.image_sha256,
            Prediction.erase_requested_at.is_not(None),
            blank,
        )
        .outerjoin(
            standing,
            and_(standing.c.prediction_id == Prediction.id, standing.c.prediction_version == Prediction.version),
        )
        .where(
            or_(
                Prediction.status != Status.PENDING.value,
                Prediction.version > 1,
                select(Outbox.id).where(Outbox.prediction_id == Prediction.id).exists(),
            )
        )
    )


def select_batches() -> Select[tuple[int, int, int, int | None, datetime]]:
    """Every claim, in order."""
    return select(
        SegmentClaim.segment,
        SegmentClaim.rows,
        SegmentClaim.retractions,
        SegmentClaim.manifest,
        SegmentClaim.claimed_at,
    ).order_by(SegmentClaim.segment)


def select_releases() -> Select[tuple[int, dict[str, Any], dict[str, Any]]]:
    """The ledger, oldest first."""
    return select(Promotion.epoch, Promotion.models, Promotion.previous).order_by(Promotion.epoch)


def select_answered() -> Select[tuple[int, str, str]]:
    """Which models answered, in which epoch."""
    return select(Prediction.epoch, Prediction.model_name, Prediction.model_version).distinct()
