"""Callers' names for their requests: what was decided once under a name is not decided again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.db.models import RequestKey
from core.errors import Invalid


class KeyReused(Invalid):
    """The idempotency key was used before, for another request."""

    code = "request.idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another request.")


@dataclass(frozen=True, slots=True)
class Known:
    """A request that came before; ``refusal`` is what it was refused with, None where it was decided."""

    refusal: dict[str, Any] | None


def enter(
    session: Session, *, actor_id: str, key: str, request_sha256: str, refusal: Mapping[str, Any] | None = None
) -> Known | None:
    """Take a name for a request, first thing in the transaction that decides it or remembers its refusal.

    A second request under the same name waits here until the first one's transaction has ended.

    Args:
        session: the transaction: if it is undone, the name is free again.
        actor_id: the caller's account; others may use the same name.
        key: the caller's name for the request, at most 128 characters.
        request_sha256: the request's content.
        refusal: what it is refused with, as plain JSON; None where it is about to be decided.

    Returns:
        None when the name was free and is now this request's; what is known of it when the same request came before.

    Raises:
        KeyReused: the name belongs to a request with another content.
    """
    values = {"actor_id": actor_id, "key": key, "request_sha256": request_sha256}
    row = insert(RequestKey).values(values if refusal is None else {**values, "refusal": dict(refusal)})
    try:
        # A statement of its own and no savepoint: after a duplicate key the transaction goes on, on every database.
        session.execute(row)
    except IntegrityError:
        known = session.execute(select_known(actor_id, key)).one_or_none()
        if known is None:  # something else than the key was refused
            raise
        if known.request_sha256 != request_sha256:
            raise KeyReused from None
        return Known(known.refusal)
    return None


def select_known(actor_id: str, key: str) -> Select[tuple[str, dict[str, Any] | None]]:
    """What a name was taken for."""
    return select(RequestKey.request_sha256, RequestKey.refusal).where(
        RequestKey.actor_id == actor_id, RequestKey.key == key
    )
