"""Review leases: whom a product is offered to, and until when by the database's clock.

Two queues are walked with them: what is pending, and accepted labels that look wrong. A lease only keeps two people
from being offered the same product. It blocks nobody: who decides first wins, by the prediction's version. Nobody is
offered what they sent, what they put aside a while ago, or a second look at a label that they gave.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Delete,
    Select,
    Update,
    delete,
    distinct,
    exists,
    func,
    insert,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.db.models import Prediction, ReviewSkip, Verdict
from core.db.repositories.predictions import Filter, Order, in_order
from core.db.repositories.verdicts import LABELLING
from core.db.types import utc_now
from core.domain.review import Status

_CANDIDATES = 32
"""Free products looked at in one question, so that people who ask at once spread over them."""
_UNSYNCHRONISED = {"synchronize_session": False}


def take(
    session: Session,
    reviewer_id: str,
    wanted: Filter,
    order: Order,
    lease_s: int,
    besides: Collection[str] = (),
) -> Prediction | None:
    """Lease a product that a reviewer holds already, or the first free one in ``order``, for ``lease_s`` seconds.

    Who names what they have in hand (``besides``) is given another, so that the next product is there before it is
    needed. The last ones of a queue are not held ahead: as long as somebody else is at work for each of them, who
    holds one is given no second.

    Args:
        session: the transaction.
        reviewer_id: who asks.
        wanted: what they ask for; that it is somebody else's, and pending unless it asks for second opinions, goes
            without saying.
        order: which of the free ones comes first.
        lease_s: for how long it is theirs.
        besides: products that they are not to be given, whoever holds them.

    Returns:
        None when nothing that is wanted is free.
    """
    until = _now(session) + timedelta(seconds=lease_s)
    held = session.scalar(select_held(reviewer_id, wanted, besides))
    if held is not None and _changed(session, update_of_hold(held, reviewer_id, until)):
        return _read(session, held)
    # Whoever loses a product here lost it to another's lease or verdict, so every round takes one off the queue.
    while candidates := session.scalars(select_free(reviewer_id, wanted, order, besides).limit(_CANDIDATES)).all():
        if len(candidates) < _CANDIDATES and _hoards(session, reviewer_id, besides, free=len(candidates)):
            return None
        for candidate in candidates:
            if _changed(session, update_of_free(candidate, reviewer_id, wanted, until)):
                return _read(session, candidate)
    return None


def _hoards(session: Session, reviewer_id: str, besides: Collection[str], *, free: int) -> bool:
    """Whether who holds one of ``besides`` would take what somebody else at work will soon be free for."""
    if not besides or session.scalar(select_held_of(reviewer_id, besides)) is None:
        return False
    return free <= session.scalars(select_others(reviewer_id)).one()


def hold(session: Session, reviewer_id: str, prediction_id: str, lease_s: int) -> bool:
    """Lease this very product, or lengthen the lease; False where somebody else holds it or nobody is to look at it."""
    until = _now(session) + timedelta(seconds=lease_s)
    return _changed(session, update_of_choice(prediction_id, reviewer_id, until))


def release(session: Session, reviewer_id: str, prediction_ids: Collection[str]) -> None:
    """Let go of those of these products that a reviewer holds: they are free at once."""
    for prediction_id in sorted(prediction_ids):  # in order: two requests never wait for one another in a ring
        _changed(session, update_of_release(prediction_id, reviewer_id))


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


def _is_free() -> ColumnElement[bool]:
    return or_(Prediction.leased_until.is_(None), Prediction.leased_until <= utc_now())


def _is_looked_at() -> ColumnElement[bool]:
    """A product stands in a queue: it is pending, or its label is to be looked at again."""
    return or_(Prediction.status == Status.PENDING.value, Prediction.second_opinion == true())


def _is_held(reviewer_id: str) -> tuple[ColumnElement[bool], ...]:
    return Prediction.leased_by == reviewer_id, Prediction.leased_until > utc_now(), _is_looked_at()


def is_for(reviewer_id: str, wanted: Filter) -> tuple[ColumnElement[bool], ...]:
    """What a product has to be to be offered to a reviewer who asks for this, apart from being free."""
    conditions = replace(wanted, not_owner_id=reviewer_id).conditions()
    if not wanted.second_opinion:
        return (Prediction.status == Status.PENDING.value, *conditions)
    is_theirs = exists().where(
        Verdict.prediction_id == Prediction.id,
        Verdict.reviewer_id == reviewer_id,
        Verdict.prdtypecode == Prediction.current_code,
        Verdict.action.in_(LABELLING),
    )
    return (*conditions, ~is_theirs)


def _is_none_of(prediction_ids: Collection[str]) -> tuple[ColumnElement[bool], ...]:
    return (Prediction.id.not_in(sorted(prediction_ids)),) if prediction_ids else ()


def select_held(reviewer_id: str, wanted: Filter, besides: Collection[str]) -> Select[tuple[str]]:
    """The product that a reviewer holds of those that are wanted and not named."""
    held = select(Prediction.id).where(*_is_held(reviewer_id), *is_for(reviewer_id, wanted), *_is_none_of(besides))
    return held.order_by(Prediction.leased_until).limit(1)


def select_held_of(reviewer_id: str, prediction_ids: Collection[str]) -> Select[tuple[str]]:
    """One of these products that a reviewer holds."""
    return select(Prediction.id).where(*_is_held(reviewer_id), Prediction.id.in_(sorted(prediction_ids))).limit(1)


def select_others(reviewer_id: str) -> Select[tuple[int]]:
    """How many other people hold a product."""
    at_work = select(func.count(distinct(Prediction.leased_by)))
    return at_work.where(Prediction.leased_until > utc_now(), Prediction.leased_by != reviewer_id, _is_looked_at())


def select_free(reviewer_id: str, wanted: Filter, order: Order, besides: Collection[str]) -> Select[tuple[str]]:
    """Wanted products that nobody holds and that the reviewer has neither named nor put aside."""
    aside = exists().where(
        ReviewSkip.reviewer_id == reviewer_id,
        ReviewSkip.prediction_id == Prediction.id,
        ReviewSkip.until > utc_now(),
    )
    free = select(Prediction.id).where(_is_free(), *is_for(reviewer_id, wanted), *_is_none_of(besides), ~aside)
    return free.order_by(*in_order(order))


def update_of_free(prediction_id: str, reviewer_id: str, wanted: Filter, until: datetime) -> Update:
    """Lease a product if it is still free and still what is wanted."""
    statement = _update(prediction_id).where(_is_free(), *is_for(reviewer_id, wanted))
    return statement.values(leased_by=reviewer_id, leased_until=until)


def update_of_choice(prediction_id: str, reviewer_id: str, until: datetime) -> Update:
    """Lease a product if it still stands in a queue and nobody else holds it."""
    statement = _update(prediction_id).where(_is_looked_at(), or_(_is_free(), Prediction.leased_by == reviewer_id))
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
