"""Moving the lookup keys that appends wrote to the large index, so that the small one they write to stays small.

An append is spared this: a batch's keys lie on a page each there. Here many are moved at once, in their order, and each
page is written once for all the keys it gets.
"""

import logging
from functools import partial

from sqlalchemy.orm import Session, sessionmaker

from core.db.repositories import clusters
from core.db.session import transact

MANY = 20_000
"""Keys that are worth moving: of about 1,200 products; they fill some 200 pages of the small index."""
_AT_ONCE = 5_000  # keys of one transaction: on SQLite whoever writes waits for it, well under a second

_log = logging.getLogger(__name__)


def settle(sessions: sessionmaker[Session], *, many: int = MANY, at_once: int = _AT_ONCE) -> int:
    """Move the recent keys if there are ``many``, ``at_once`` in a transaction; returns how many were moved.

    Stopped anywhere, nothing is lost: a key is in one of the two indexes and a lookup reads both.
    """
    with sessions() as session:
        left = clusters.recent_keys(session)
    if left < many:
        return 0
    moved = 0  # what appends add meanwhile is the next run's
    while moved < left and (found := transact(sessions, partial(_move, limit=min(at_once, left - moved)))):
        moved += found
    _log.info("settle.done", extra={"keys": moved})
    return moved


def _move(session: Session, limit: int) -> int:
    return clusters.settle_keys(session, limit)
