"""Wishes for a retraining, people's and jobs'. At most one waits: a unique column is the fence between two who ask."""

from dataclasses import dataclass

import uuid_utils
from sqlalchemy import Select, Update, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.db.models import RetrainRequest, UserAccount
from core.db.repositories import audit
from core.db.types import utc_now

_TAKER = "preprocessing.ingest"
_UNSYNCHRONISED = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Wish:
    """A request with the name of the account that made it, None where a job did."""

    request: RetrainRequest
    requested_by: str | None


def ask(session: Session, *, account_id: str | None = None, job: str = "watch_quality", reason: str) -> str:
    """Leave a request, unless one waits already; the id of the one that waits.

    Args:
        session: an open transaction; the caller ends it.
        account_id: who asks; None: a job does.
        job: its name then, at most 64 characters.
        reason: why, at most 500 characters.
    """
    waiting = waiting_id(session)
    if waiting is not None:  # to insert beside it would be refused, and contend with the run that takes it
        return waiting
    request_id = str(uuid_utils.uuid7())
    values = {"id": request_id, "requested_by": account_id, "reason": reason, "waiting": 1}
    try:
        # A statement of its own and no savepoint: after a duplicate the transaction goes on, on every database, and
        # holds the row that it met, so that nobody takes it before it has been read.
        session.execute(insert(RetrainRequest).values(values))
    except IntegrityError:
        waiting = waiting_id(session)
        if waiting is None:  # something else than the fence was refused
            raise
        return waiting
    audit.record(session, actor=account_id or job, action="ask_retrain", subject=f"retrain/{request_id}")
    return request_id


def waiting_id(session: Session) -> str | None:
    """The request that no run has taken yet."""
    return session.scalar(select_waiting())


def of_id(session: Session, request_id: str) -> Wish:
    """A request that is known to exist."""
    return Wish(*session.execute(select_wishes().where(RetrainRequest.id == request_id)).one())


def newest(session: Session) -> Wish | None:
    """The request that was made last, taken or not."""
    # Ids of one millisecond have no order among hosts, and need none.
    made_last = RetrainRequest.requested_at.desc(), RetrainRequest.id.desc()
    found = session.execute(select_wishes().order_by(*made_last).limit(1)).one_or_none()
    return Wish(*found) if found else None


def take(session: Session, run_key: str) -> bool:
    """Let the run ``run_key`` (at most 250 characters) carry out what waits; whether it has a request to carry out.

    Safe to repeat: a run that comes again still has what it took.
    """
    waiting = waiting_id(session)
    if waiting is not None:
        _take(session, waiting, run_key)
    return session.scalar(select_of_run(run_key)) is not None


def _take(session: Session, request_id: str, run_key: str) -> None:
    statement = update_of_take(request_id, run_key)
    if session.execute(statement, execution_options=_UNSYNCHRONISED).rowcount == 1:  # nobody was faster
        detail = {"run_key": run_key}
        audit.record(session, actor=_TAKER, action="take_retrain", subject=f"retrain/{request_id}", detail=detail)


def select_waiting() -> Select[tuple[str]]:
    """The statement behind ``waiting_id``."""
    return select(RetrainRequest.id).where(RetrainRequest.waiting == 1)


def select_wishes() -> Select[tuple[RetrainRequest, str | None]]:
    """Every request with the name of the person who made it, if one did."""
    asker = UserAccount.id == RetrainRequest.requested_by
    return select(RetrainRequest, UserAccount.username).outerjoin(UserAccount, asker)


def select_of_run(run_key: str) -> Select[tuple[str]]:
    """A request that this run took."""
    return select(RetrainRequest.id).where(RetrainRequest.run_key == run_key).limit(1)


def update_of_take(request_id: str, run_key: str) -> Update:
    """The guarded statement behind ``take``."""
    waits = RetrainRequest.id == request_id, RetrainRequest.waiting == 1
    return update(RetrainRequest).where(*waits).values(waiting=None, run_key=run_key, taken_at=utc_now())
