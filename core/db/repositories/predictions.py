"""Staged predictions. Every change is one UPDATE or DELETE guarded by version and status; the row count decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import uuid_utils
from sqlalchemy import ColumnElement, Delete, Select, Update, and_, delete, or_, select, update
from sqlalchemy.orm import Session

from core.db.models import Prediction, Verdict
from core.domain.review import Move, Status

# The guard is judged by the database alone; objects in the session are refreshed by whoever needs them.
_UNSYNCHRONISED = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class NewPrediction:
    """What is known of a prediction when it is staged; none of it changes later.

    Attributes:
        answer: ``{"top_k": [[code, probability], …], "experts": {name: [[code, probability], …]}}``.
    """

    owner_id: str
    idempotency_key: str | None
    request_sha256: str
    designation: str
    description: str | None
    image_sha256: str | None
    modality: str
    suggested_code: int
    confidence: float
    answer: dict[str, Any]
    model_name: str
    model_version: str
    epoch: int
    taxonomy_version: str


class Order(StrEnum):
    """How a list of predictions is sorted."""

    NEWEST = "newest"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Position:
    """The last row of a page: the next page starts after it. ``confidence`` is set for ``Order.UNCERTAIN`` only."""

    id: str
    confidence: float | None = None


def add(session: Session, new: NewPrediction) -> Prediction:
    """Stage a pending prediction with a new UUIDv7; a failed insert undoes nothing else in the transaction.

    Raises:
        sqlalchemy.exc.IntegrityError: this owner has used this idempotency key before.
    """
    row = Prediction(
        id=str(uuid_utils.uuid7()),
        owner_id=new.owner_id,
        idempotency_key=new.idempotency_key,
        request_sha256=new.request_sha256,
        designation=new.designation,
        description=new.description,
        image_sha256=new.image_sha256,
        modality=new.modality,
        suggested_code=new.suggested_code,
        current_code=new.suggested_code,
        confidence=new.confidence,
        answer=new.answer,
        model_name=new.model_name,
        model_version=new.model_version,
        epoch=new.epoch,
        taxonomy_version=new.taxonomy_version,
    )
    with session.begin_nested():
        session.add(row)
    session.refresh(row)  # its timestamps are the database's
    return row


def by_id(session: Session, prediction_id: str) -> Prediction | None:
    """The prediction with this id."""
    return session.get(Prediction, prediction_id)


def by_idempotency_key(session: Session, owner_id: str, key: str) -> Prediction | None:
    """The prediction that this owner staged under this key."""
    statement = select(Prediction).where(Prediction.owner_id == owner_id, Prediction.idempotency_key == key)
    return session.scalars(statement).one_or_none()


def page(
    session: Session,
    *,
    owner_id: str | None,
    status: Status | None,
    order: Order,
    after: Position | None,
    limit: int,
) -> Sequence[Prediction]:
    """Up to ``limit`` predictions of one owner (None: of everybody) after a position, in ``order``."""
    return session.scalars(select_page(owner_id, status, order, after).limit(limit)).all()


def select_page(
    owner_id: str | None, status: Status | None, order: Order, after: Position | None
) -> Select[tuple[Prediction]]:
    """The statement behind ``page``, without its limit."""
    statement = select(Prediction)
    if owner_id is not None:
        statement = statement.where(Prediction.owner_id == owner_id)
    if status is not None:
        statement = statement.where(Prediction.status == status.value)
    if after is not None:
        statement = statement.where(_beyond(order, after))
    if order is Order.NEWEST:
        return statement.order_by(Prediction.id.desc())
    return statement.order_by(Prediction.confidence, Prediction.id)


def _beyond(order: Order, after: Position) -> ColumnElement[bool]:
    if order is Order.NEWEST:
        return Prediction.id < after.id
    return or_(
        Prediction.confidence > after.confidence,
        and_(Prediction.confidence == after.confidence, Prediction.id > after.id),
    )


def move(session: Session, prediction_id: str, *, version: int, move: Move, code: int | None = None) -> bool:
    """Make one move from exactly ``version``; ``code`` replaces the current code where it is given.

    Returns:
        False when the row is gone, has another version, or is in a state the move does not start from.
    """
    statement = update_of_move(prediction_id, version, move, code)
    return session.execute(statement, execution_options=_UNSYNCHRONISED).rowcount == 1


def update_of_move(prediction_id: str, version: int, move: Move, code: int | None) -> Update:
    """The guarded statement behind ``move``."""
    values: dict[str, Any] = {"version": version + 1, "leased_by": None, "leased_until": None}
    if move.target is not None:
        values["status"] = move.target.value
    if code is not None:
        values["current_code"] = code
    allowed = sorted(status.value for status in move.allowed)
    return (
        update(Prediction)
        .where(Prediction.id == prediction_id, Prediction.version == version, Prediction.status.in_(allowed))
        .values(values)
    )


def remove_pending(session: Session, prediction_id: str, *, version: int) -> bool:
    """Delete a pending prediction of exactly ``version`` with the verdicts that modified it.

    Returns:
        False when it is gone, has changed, or is no longer pending; the caller must then roll back.
    """
    session.execute(delete(Verdict).where(Verdict.prediction_id == prediction_id), execution_options=_UNSYNCHRONISED)
    statement = delete_of_pending(prediction_id, version)
    return session.execute(statement, execution_options=_UNSYNCHRONISED).rowcount == 1


def delete_of_pending(prediction_id: str, version: int) -> Delete:
    """The guarded statement behind ``remove_pending``."""
    return delete(Prediction).where(
        Prediction.id == prediction_id, Prediction.version == version, Prediction.status == Status.PENDING.value
    )
