"""The trace of who did what; written in the transaction of what was done."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.models import Audit


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
