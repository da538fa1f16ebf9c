"""Erasing archived products after their time: text and photo go, here and in the archive; what was decided stays."""

import logging
from datetime import timedelta

from sqlalchemy.orm import Session, sessionmaker

from core.db.repositories import archive, predictions, users
from core.db.session import transact
from core.errors import Conflict
from core.retraction.erasure import erase

_CHUNK = 200  # products a transaction
_REASON = "kept for as long as STORE_KEEP_REJECTED_DAYS says"

_log = logging.getLogger(__name__)


def count_outdated(sessions: sessionmaker[Session], *, days: int) -> int:
    """How many archived products have been in the archive for longer than so many days."""
    with sessions() as session:
        return archive.count_kept_since(session, predictions.now(session) - timedelta(days=days))


def erase_outdated(sessions: sessionmaker[Session], *, days: int) -> int:
    """Erase the products that have been in the archive for longer than so many days; returns how many.

    Verdicts, audit and the trace of each stay; the archive's next run takes its copy out. Safe to repeat: after a
    crash, or when somebody else changes a product at the same moment, the next run does what is left.
    """

    def erase_some(session: Session) -> int:
        rows = archive.kept_since(session, predictions.now(session) - timedelta(days=days), limit=_CHUNK)
        for row in rows:
            erase(session, row, actor_id=operator, reason=_REASON)
        return len(rows)

    if not count_outdated(sessions, days=days):
        return 0
    operator = transact(sessions, users.operator).id
    erased = 0
    try:
        while done := transact(sessions, erase_some):
            erased += done
    except Conflict as error:  # a whole chunk was rolled back, for the next run
        _log.warning("retention.erasure_put_off", extra={"code": error.code})
    return erased
