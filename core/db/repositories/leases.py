"""Review leases: whom a pending product is offered to, and until when by the database's clock.

A lease only keeps two people from being offered the same product. It blocks nobody: who decides first wins, by
the prediction's version. Nobody is offered what they sent, or what they put aside a while ago.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Delete, Select, Update, delete, exists, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.db.models import Prediction, ReviewSkip
from core.db.repositories.predictions import Filter, Order, in_order
from core.db.types import utc_now
from core.domain.review import Status

_CANDIDATES = 32
"""Free products looked at in one question, so that people who ask at once spread over them."""
_UNSYNCHRONISED = {"synchronize_session": False}


def take(session: Session, reviewer_id: str, wanted: Filter, order: Order, lease_s: int) -> Prediction | None:
    """Lease the product that a reviewer holds already, or the first free one in ``order``, for ``lease_s`` seconds.

    Somebody who asks twice in one moment, or for something else, may hold two products; what they do not decide is
    free again when its lease ends.

    Args:
        session: the transaction.
        reviewer_id: who asks.
        wanted: what they ask for; that it is pending and somebody else's goes without saying.
        order: which of the free ones comes first.
        lease_s: for how long it is theirs.

    Returns:
        None when nothing that is wanted is free.
    """
    wanted = replace(wanted, not_owner_id=reviewer_id)
    until = _now(session) + timedelta(seconds=lease_s)
    held = session.scalar(select_held(reviewer_id, wanted))
    if held is not None and _changed(session, update_of_hold(held, reviewer_id, until)):
        return _read(session, held)
    # Whoever loses a product here lost it to another's lease or verdict, so every round takes one off the queue.
    while candidates := session.scalars(select_free(reviewer_id, wanted, order).limit(_CANDIDATES)).all():
        for candidate in candidates:
            if _changed(session, update_of_free(candidate, reviewer_id, wanted, until)):
                return _read(session, candidate)
    return None


def put_aside(session: Session, reviewer_id: str, prediction_id: str, skip_s: int) -> None:
    """Let go of a product, and offer it to others only for ``skip_s`` seconds."""
    until = _now(session) + timedelta(seconds=skip_s)
    _changed(session, delete_of_ended_skips(reviewer_id))
    _changed(session, update_of_release(prediction_id, reviewer_id))
    if _changed(session, update_of_skip(reviewer_id, prediction_id, until)):
        return
    try:
        # A statement of its own and no savepoint: after a duplicate key the transaction goes on, on every database.
        session.execute(insert(ReviewSkip).values(reviewer_id=reviewer_id, prediction_id=prediction_id, until=until))
    except IntegrityError:
        if not _changed(session, update_of_skip(reviewer_id, prediction_id, until)):
            raise


def _now(session: Session) -> datetime:
    return session.execute(select(utc_now())).scalar_one()


def _changed(session: Session, statement: Update | Delete) -> bool:
    return session.execute(statement, execution_options=_UNSYNCHRONISED).rowcount >= 1


def _read(session: Session, prediction_id: str) -> Prediction:
    return session.scalars(select(Prediction).where(Prediction.id == prediction_id)).one()


def _is_free() -> tuple[ColumnElement[bool], ...]:
    nobody = or_(Prediction.leased_until.is_(None), Prediction.leased_until <= utc_now())
    return Prediction.status == Status.PENDING.value, nobody


def _is_held(reviewer_id: str) -> tuple[ColumnElement[bool], ...]:
    return (
        Prediction.leased_by == reviewer_id,
        Prediction.leased_until > utc_now(),
        Prediction.status == Status.PENDING.value,
    )


def select_held(reviewer_id: str, wanted: Filter) -> Select[tuple[str]]:
    """The product that a reviewer holds of those that are wanted."""
    held = select(Prediction.id).where(*_is_held(reviewer_id), *wanted.conditions())
    return held.order_by(Prediction.leased_until).limit(1)


def select_free(reviewer_id: str, wanted: Filter, order: Order) -> Select[tuple[str]]:
    """Wanted products that nobody holds and that the reviewer has not put aside."""
    aside = exists().where(
        ReviewSkip.reviewer_id == reviewer_id,
        ReviewSkip.prediction_id == Prediction.id,
        ReviewSkip.until > utc_now(),
    )
    return select(Prediction.id).where(*_is_free(), *wanted.conditions(), ~aside).order_by(*in_order(order))


def update_of_free(prediction_id: str, reviewer_id: str, wanted: Filter, until: datetime) -> Update:
    """Lease a product if it is still free and still what is wanted."""
    statement = _update(prediction_id).where(*_is_free(), *wanted.conditions())
    return statement.values(leased_by=reviewer_id, leased_until=until)


def update_of_hold(prediction_id: str, reviewer_id: str, until: datetime) -> Update:
    """Lengthen a lease if it is still held."""
    return _update(prediction_id).where(*_is_held(reviewer_id)).values(leased_until=until)


def update_of_release(prediction_id: str, reviewer_id: str) -> Update:
    """End a reviewer's own lease."""
    statement = _update(prediction_id).where(Prediction.leased_by == reviewer_id)
    return statement.values(leased_by=None, leased_until=None)


def _update(prediction_id: str) -> Update:
    # Being looked at is no change of the product: neither its version nor its time of change moves.
    return update(Prediction).where(Prediction.id == prediction_id).values(updated_at=Prediction.updated_at)


def update_of_skip(reviewer_id: str, prediction_id: str, until: datetime) -> Update:
    """Put a product aside that was put aside before."""
    return (
        update(ReviewSkip)
        .where(ReviewSkip.reviewer_id == reviewer_id, ReviewSkip.prediction_id == prediction_id)
        .values(until=until)
    )


def delete_of_ended_skips(reviewer_id: str) -> Delete:
    """Forget what a reviewer put aside long enough ago."""
    return delete(ReviewSkip).where(ReviewSkip.reviewer_id == reviewer_id, ReviewSkip.until <= utc_now())
