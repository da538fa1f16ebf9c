"""Callers' names for their requests: what was decided once under a name is not decided again."""

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.db.models import RequestKey
from core.errors import Invalid


class KeyReused(Invalid):
    """The idempotency key was used before, for another request."""

    code = "request.idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another request.")


def enter(session: Session, *, actor_id: str, key: str, request_sha256: str) -> bool:
    """Take a name for a request, first thing in the transaction that decides it.

    A second request under the same name waits here until the first one's transaction has ended.

    Args:
        session: the deciding transaction: if it is undone, the name is free again.
        actor_id: the caller's account; others may use the same name.
        key: the caller's name for the request, at most 128 characters.
        request_sha256: the request's content.

    Returns:
        False when the same request was decided before.

    Raises:
        KeyReused: the name belongs to a request with another content.
    """
    row = insert(RequestKey).values(actor_id=actor_id, key=key, request_sha256=request_sha256)
    try:
        # A statement of its own and no savepoint: after a duplicate key the transaction goes on, on every database.
        session.execute(row)
    except IntegrityError:
        known = session.scalar(
            select(RequestKey.request_sha256).where(RequestKey.actor_id == actor_id, RequestKey.key == key)
        )
        if known is None:  # something else than the key was refused
            raise
        if known != request_sha256:
            raise KeyReused from None
        return False
    return True
