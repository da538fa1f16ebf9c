"""Staged predictions. Every change is one UPDATE or DELETE guarded by version and status; the row count decides."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import uuid_utils
from sqlalchemy import ColumnElement, Delete, Select, Update, and_, delete, exists, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from core.db.models import Outbox, Prediction, Verdict
from core.db.repositories.outbox import STORE_WORK
from core.db.types import utc_now
from core.domain.feedback import Feedback
from core.domain.language import Language
from core.domain.product import Modality
from core.domain.review import Move, Status

_CHUNK = 500  # ids a statement: SQLite and MySQL both bound what one may hold
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
    language: Language
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
    OLDEST = "oldest"
    UNCERTAIN = "uncertain"
    UPDATED = "updated"


@dataclass(frozen=True, slots=True)
class Position:
    """The last row of a page: the next page starts after it.

    ``confidence`` is set for ``Order.UNCERTAIN`` only, ``updated_at`` for ``Order.UPDATED``.
    """

    id: str
    confidence: float | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which predictions a list, an export or the review queue is about. None asks for nothing.

    Attributes:
        status: where they stand.
        code: their current code.
        suggested_code: what the model said.
        owner_id: who sent them.
        not_owner_id: who did not send them.
        modality: the halves of a product that the model read.
        language: the likely language of the text.
        model_name: the name that was asked for.
        model_version: the sha256 of the package that answered.
        epoch: the release epoch that answered.
        min_confidence: the least confidence, in [0, 1], inclusive.
        max_confidence: the highest confidence, in [0, 1], inclusive.
        feedback: what their sender said of the answer.
        unanswered: only those whose sender has said something since the last decision.
        second_opinion: whether their label is marked as doubted.
        created_since: the earliest moment of creation, inclusive; naive UTC like every moment here.
        created_until: the moment of creation that is too late.
        updated_since: the earliest moment of the last change, inclusive.
        erased: whether those that are erased are among them.
    """

    status: Status | None = None
    code: int | None = None
    suggested_code: int | None = None
    owner_id: str | None = None
    not_owner_id: str | None = None
    modality: Modality | None = None
    language: Language | None = None
    model_name: str | None = None
    model_version: str | None = None
    epoch: int | None = None
    min_confidence: float | None = None
    max_confidence: float | None = None
    feedback: Feedback | None = None
    unanswered: bool = False
    second_opinion: bool | None = None
    created_since: datetime | None = None
    created_until: datetime | None = None
    updated_since: datetime | None = None
    erased: bool = False

    def conditions(self) -> tuple[ColumnElement[bool], ...]:
        """What a statement's WHERE takes: one condition for each thing that is asked for."""
        asked = (*self._equalities(), *self._words(), *self._bounds())
        return (*asked, *(() if self.erased else (Prediction.erase_requested_at.is_(None),)))

    def _equalities(self) -> Iterator[ColumnElement[bool]]:
        wanted = (
            (Prediction.status, self.status),
            (Prediction.current_code, self.code),
            (Prediction.suggested_code, self.suggested_code),
            (Prediction.owner_id, self.owner_id),
            (Prediction.modality, self.modality),
            (Prediction.language, self.language),
            (Prediction.model_name, self.model_name),
            (Prediction.model_version, self.model_version),
            (Prediction.epoch, self.epoch),
            (Prediction.feedback, self.feedback),
            (Prediction.second_opinion, self.second_opinion),
        )
        for column, value in wanted:
            if value is not None:
                yield column == value

    def _words(self) -> Iterator[ColumnElement[bool]]:
        if self.unanswered:
            decided_since = Verdict.decided_at > Prediction.feedback_at
            yield Prediction.feedback.is_not(None)
            yield ~exists().where(Verdict.prediction_id == Prediction.id, decided_since)

    def _bounds(self) -> Iterator[ColumnElement[bool]]:
        if self.not_owner_id is not None:
            yield Prediction.owner_id != self.not_owner_id
        if self.min_confidence is not None:
            yield Prediction.confidence >= self.min_confidence
        if self.max_confidence is not None:
            yield Prediction.confidence <= self.max_confidence
        if self.created_since is not None:
            yield Prediction.created_at >= self.created_since
        if self.created_until is not None:
            yield Prediction.created_at < self.created_until
        if self.updated_since is not None:
            yield Prediction.updated_at >= self.updated_since


def add(session: Session, new: NewPrediction) -> Prediction:
    """Stage a pending prediction with a new UUIDv7.

    Raises:
        sqlalchemy.exc.IntegrityError: this owner has used this idempotency key before; roll back.
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
        language=new.language.value,
        suggested_code=new.suggested_code,
        current_code=new.suggested_code,
        confidence=new.confidence,
        answer=new.answer,
        model_name=new.model_name,
        model_version=new.model_version,
        epoch=new.epoch,
        taxonomy_version=new.taxonomy_version,
    )
    session.add(row)
    session.flush()
    session.refresh(row)  # its timestamps are the database's
    return row


def by_id(session: Session, prediction_id: str) -> Prediction | None:
    """The prediction with this id."""
    return session.get(Prediction, prediction_id)


def by_idempotency_key(session: Session, owner_id: str, key: str) -> Prediction | None:
    """The prediction that this owner staged under this key."""
    statement = select(Prediction).where(Prediction.owner_id == owner_id, Prediction.idempotency_key == key)
    return session.scalars(statement).one_or_none()


def unerased_of(session: Session, owner_id: str, *, limit: int) -> Sequence[Prediction]:
    """Up to ``limit`` predictions of one owner that are not erased, by id."""
    statement = select(Prediction).where(Prediction.owner_id == owner_id, Prediction.erase_requested_at.is_(None))
    return session.scalars(statement.order_by(Prediction.id).limit(limit)).all()


def count_by_status(session: Session) -> dict[Status, int]:
    """How many predictions stand where; states without any are absent."""
    return {Status(status): rows for status, rows in session.execute(select_counts())}


def select_counts() -> Select[tuple[str, int]]:
    """The statement behind ``count_by_status``."""
    return select(Prediction.status, func.count()).group_by(Prediction.status)


def page(session: Session, wanted: Filter, *, order: Order, after: Position | None, limit: int) -> Sequence[Prediction]:
    """Up to ``limit`` predictions that ``wanted`` asks for, after a position, in ``order``."""
    return session.scalars(select_page(wanted, order, after).limit(limit)).all()


def select_page(wanted: Filter, order: Order, after: Position | None) -> Select[tuple[Prediction]]:
    """The statement behind ``page``, without its limit."""
    statement = select(Prediction).where(*wanted.conditions())
    if after is not None:
        statement = statement.where(_beyond(order, after))
    return statement.order_by(*in_order(order))


def in_order(order: Order) -> tuple[ColumnElement[Any], ...]:
    """What a list in ``order`` is sorted by; ids are UUIDv7, so they sort by time."""
    match order:
        case Order.NEWEST:
            return (Prediction.id.desc(),)
        case Order.OLDEST:
            return (Prediction.id.asc(),)
        case Order.UNCERTAIN:
            return (Prediction.confidence.asc(), Prediction.id.asc())
        case Order.UPDATED:
            return (Prediction.updated_at.asc(), Prediction.id.asc())


def _beyond(order: Order, after: Position) -> ColumnElement[bool]:
    match order:
        case Order.NEWEST:
            return Prediction.id < after.id
        case Order.OLDEST:
            return Prediction.id > after.id
        case Order.UNCERTAIN:
            return _after_both(Prediction.confidence, after.confidence, after.id)
        case Order.UPDATED:
            return _after_both(Prediction.updated_at, after.updated_at, after.id)


def _after_both(column: InstrumentedAttribute[Any], value: Any, last_id: str) -> ColumnElement[bool]:
    # The first condition says nothing new, but a database finds its place in an index by it.
    return and_(column >= value, or_(column > value, Prediction.id > last_id))


def now(session: Session) -> datetime:
    """The database's clock, by which ``updated_at`` and ``created_at`` are written; naive UTC."""
    return session.execute(select(utc_now())).scalar_one()


def move(
    session: Session, prediction_id: str, *, version: int, move: Move, code: int | None = None, erase: bool = False
) -> bool:
    """Make one move from exactly ``version``; ``code`` replaces the current code where it is given.

    Args:
        session: the deciding transaction.
        prediction_id: the prediction to move.
        version: the version the decision was made on.
        move: what is done.
        code: the new current code, or None to keep it.
        erase: its owner wants it gone: from now on it cannot be moved, and ``blank_erased`` may blank it.

    Returns:
        False when the row is gone, has another version, is in a state the move does not start from, or is erased.
    """
    statement = update_of_move(prediction_id, version, move, code, erase=erase)
    return session.execute(statement, execution_options=_UNSYNCHRONISED).rowcount == 1


def update_of_move(prediction_id: str, version: int, move: Move, code: int | None, *, erase: bool = False) -> Update:
    """The guarded statement behind ``move``."""
    values: dict[str, Any] = {"version": version + 1, "leased_by": None, "leased_until": None, "second_opinion": False}
    if move.target is not None:
        values["status"] = move.target.value
    if code is not None:
        values["current_code"] = code
    if erase:
        values["erase_requested_at"] = utc_now()
    return (
        update(Prediction)
        .where(
            Prediction.id == prediction_id,
            Prediction.version == version,
            Prediction.status.in_(_spelt(move.allowed)),
            Prediction.erase_requested_at.is_(None),
        )
        .values(values)
    )


def _spelt(statuses: Collection[Status]) -> list[str]:
    return sorted(status.value for status in statuses)


def version_of(session: Session, prediction_id: str) -> int | None:
    """The version that a prediction has now, whatever the session read before; None where it is gone."""
    return session.scalar(select(Prediction.version).where(Prediction.id == prediction_id))


NEVER_STORED = frozenset({Status.PENDING, Status.REJECTED})
"""Where a prediction may stand of which the training store knows nothing."""


def remove(session: Session, prediction_id: str, *, version: int) -> bool:
    """Delete a prediction of exactly ``version`` that was never stored, with the verdicts on it.

    Returns:
        False when it is gone, has changed, or has any work in the outbox; the caller must then roll back.
    """
    session.execute(delete(Verdict).where(Verdict.prediction_id == prediction_id), execution_options=_UNSYNCHRONISED)
    statement = delete_of_unstored(prediction_id, version)
    return session.execute(statement, execution_options=_UNSYNCHRONISED).rowcount == 1


def delete_of_unstored(prediction_id: str, version: int) -> Delete:
    """The guarded statement behind ``remove``."""
    return delete(Prediction).where(
        Prediction.id == prediction_id,
        Prediction.version == version,
        Prediction.status.in_(_spelt(NEVER_STORED)),
        ~exists().where(Outbox.prediction_id == Prediction.id),
    )


def blank_erased(session: Session, prediction_ids: Collection[str]) -> int:
    """Blank texts and photo of those among ``prediction_ids`` that are erased and that no batch needs any more.

    Whoever marks store work done calls this afterwards in the same transaction.

    Returns:
        How many are blank now and were not before.
    """
    ids = sorted(prediction_ids)
    return sum(
        session.execute(update_of_blank(ids[at : at + _CHUNK]), execution_options=_UNSYNCHRONISED).rowcount
        for at in range(0, len(ids), _CHUNK)
    )


def update_of_blank(prediction_ids: Sequence[str]) -> Update:
    """The guarded statement behind ``blank_erased``."""
    needed = exists().where(
        Outbox.prediction_id == Prediction.id,
        Outbox.kind.in_(STORE_WORK),
        Outbox.done_at.is_(None),
    )
    return (
        update(Prediction)
        .where(
            Prediction.id.in_(prediction_ids),
            Prediction.erase_requested_at.is_not(None),
            or_(*_is_not_blank()),
            ~needed,
        )
        .values(designation="", description=None, image_sha256=None, feedback_reason=None)
    )


def is_blank(row: Prediction) -> bool:
    """Whether nothing of what was sent is left in a row."""
    return not row.designation and (row.description, row.image_sha256, row.feedback_reason) == (None, None, None)


def _is_not_blank() -> tuple[ColumnElement[bool], ...]:
    # Each of them: a product for a model of photos has no designation.
    sent = (Prediction.description, Prediction.image_sha256, Prediction.feedback_reason)
    return Prediction.designation != "", *(column.is_not(None) for column in sent)
