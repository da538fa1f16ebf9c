"""Review leases: whom a pending product is offered to, and until when by the database's clock.

A lease only keeps two people from being offered the same product. It blocks nobody: who decides first wins, by
the prediction's version.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, Update, or_, select, update
from sqlalchemy.orm import Session

from core.db.models import Prediction
from core.db.repositories.predictions import Order, in_order
from core.db.types import utc_now
from core.domain.review import Status

_CANDIDATES = 32
"""Free products looked at in one question, so that people who ask at once spread over them."""
_UNSYNCHRONISED = {"synchronize_session": False}


def take(session: Session, reviewer_id: str, order: Order, lease_s: int) -> Prediction | None:
    """Lease the product that a reviewer holds already, or the first free one in ``order``, for ``lease_s`` seconds.

    Somebody who asks twice in one moment may hold two products; the second is free again when its lease ends.

    Returns:
        None when nothing is free.
    """
    until = session.scalar(select(utc_now())) + timedelta(seconds=lease_s)
    held = session.scalar(select_held(reviewer_id))
    if held is not None and _changed(session, update_of_hold(held, reviewer_id, until)):
        return _read(session, held)
    # Whoever loses a product here lost it to another's lease or verdict, so every round takes one off the queue.
    while candidates := session.scalars(select_free(order).limit(_CANDIDATES)).all():
        for candidate in candidates:
            if _changed(session, update_of_free(candidate, reviewer_id, until)):
                return _read(session, candidate)
    return None


def _changed(session: Session, statement: Update) -> bool:
    return session.execute(statement, execution_options=_UNSYNCHRONISED).rowcount == 1


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


def select_held(reviewer_id: str) -> Select[tuple[str]]:
    """The product that a reviewer holds."""
    return select(Prediction.id).where(*_is_held(reviewer_id)).order_by(Prediction.leased_until).limit(1)


def select_free(order: Order) -> Select[tuple[str]]:
    """Pending products that nobody holds."""
    return select(Prediction.id).where(*_is_free()).order_by(*in_order(order))


def update_of_free(prediction_id: str, reviewer_id: str, until: datetime) -> Update:
    """Lease a product if it is still free."""
    return _update(prediction_id, until).where(*_is_free()).values(leased_by=reviewer_id)


def update_of_hold(prediction_id: str, reviewer_id: str, until: datetime) -> Update:
    """Lengthen a lease if it is still held."""
    return _update(prediction_id, until).where(*_is_held(reviewer_id))


def _update(prediction_id: str, until: datetime) -> Update:
    # Being looked at is no change of the product: neither its version nor its time of change moves.
    return (
        update(Prediction)
        .where(Prediction.id == prediction_id)
        .values(leased_until=until, updated_at=Prediction.updated_at)
    )
