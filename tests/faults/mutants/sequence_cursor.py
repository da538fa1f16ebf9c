"""The flaw: the loop remembers the last id it has seen and looks for work behind it.

Ids are given out before their transactions commit. Work with a lower id that is committed later is never seen.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.db.models import Outbox
from core.db.repositories import ingest


@contextmanager
def applied() -> Iterator[None]:
    """The loop goes by a cursor until the end of the block."""
    by_state = ingest.oldest_waiting

    def by_cursor(session: Session, *, after: int, limit: int) -> list[tuple[int, str]]:
        seen = session.scalar(select(func.max(Outbox.id)).where(Outbox.segment.is_not(None))) or 0
        return by_state(session, after=max(after, seen), limit=limit)

    ingest.oldest_waiting = by_cursor
    try:
        yield
    finally:
        ingest.oldest_waiting = by_state
