"""The trace of who did what; written in the transaction of what was done, and sealed into a chain later."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, Update, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.db.models import Audit, AuditSeal
from core.db.types import utc_now
from core.domain.audit_chain import ROOT, AuditRow, Link, link
from core.domain.consistency import Sealed
from core.errors import Conflict

_FETCH = 5_000  # rows held by the driver at a time
_RECENT = 24  # links a quick check computes again: about a day


class SealTaken(Conflict):
    """Another process sealed at the same moment; roll back and look again."""

    code = "audit.seal_taken"


def record(
    session: Session,
    *,
    actor: str,
    action: str,
    subject: str,
    version: int | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Write one row.

    Args:
        session: the transaction of the change.
        actor: an account's id, or the name of the program that did it; at most 64 characters.
        action: a verb, at most 32 characters.
        subject: ``kind/id``, at most 64 characters.
        version: the version the change produced, where the subject has versions.
        detail: facts as plain JSON; never user text, passwords or tokens.
    """
    session.add(Audit(actor=actor, action=action, subject=subject, version=version, detail=detail))


def of_subject(session: Session, subject: str) -> Sequence[Audit]:
    """Everything that was done to one subject, oldest first."""
    return session.scalars(select(Audit).where(Audit.subject == subject).order_by(Audit.id)).all()


def seal(session: Session, *, older_than_s: float) -> tuple[int, Link] | None:
    """Add one link over every row that is old enough and not sealed yet; its number, or None with nothing to seal.

    A row that is committed late, with an id below those already sealed, simply joins a later link.

    Raises:
        SealTaken: another process wrote this link first.
    """
    last = session.execute(select_seals().order_by(None).order_by(AuditSeal.seal.desc()).limit(1)).one_or_none()
    number, previous = (last.seal + 1, last.sha256) if last else (1, ROOT)
    now: datetime = session.execute(select(utc_now())).scalar_one()
    statement = update_of_seal(number, now - timedelta(seconds=older_than_s))
    if session.execute(statement, execution_options={"synchronize_session": False}).rowcount == 0:
        return None
    made = link(previous, _rows(session, number))
    try:
        session.execute(insert(AuditSeal).values(seal=number, rows=made.rows, sha256=made.sha256))
    except IntegrityError as error:
        raise SealTaken(f"seal {number} was written by another process") from error
    return number, made


def sealed(session: Session, *, full: bool) -> Iterator[Sealed]:
    """Every link beside what its rows give now; without ``full`` only the newest ones are computed again."""
    links = session.execute(select_seals()).all()
    counts: dict[int, int] = dict(session.execute(select_sealed_counts()).all())
    first_read = 0 if full else max(0, len(links) - _RECENT)
    previous = ROOT
    for at, (number, rows, sha256) in enumerate(links):
        again = link(previous, _rows(session, number)).sha256 if at >= first_read else None
        yield Sealed(number, rows, sha256, counts.pop(number, 0), again)
        previous = sha256
    for number, rows in sorted(counts.items()):
        yield Sealed(number, 0, "", rows, None)


def _rows(session: Session, number: int) -> Iterator[AuditRow]:
    for row in session.execute(select_sealed(number).execution_options(yield_per=_FETCH)):
        yield AuditRow(*row)


def update_of_seal(number: int, before: datetime) -> Update:
    """Give a link's number to every unsealed row older than ``before``."""
    return update(Audit).where(Audit.seal.is_(None), Audit.at < before).values(seal=number)


def select_sealed(number: int) -> Select[Any]:
    """The rows of one link in their one order."""
    columns = (Audit.id, Audit.at, Audit.actor, Audit.action, Audit.subject, Audit.version, Audit.detail)
    return select(*columns).where(Audit.seal == number).order_by(Audit.id)


def select_seals() -> Select[tuple[int, int, str]]:
    """Every link, oldest first."""
    return select(AuditSeal.seal, AuditSeal.rows, AuditSeal.sha256).order_by(AuditSeal.seal)


def select_sealed_counts() -> Select[tuple[int, int]]:
    """How many rows carry each link's number."""
    return select(Audit.seal, func.count()).where(Audit.seal.is_not(None)).group_by(Audit.seal)
