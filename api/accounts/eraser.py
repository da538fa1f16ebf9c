"""Erases what deleted accounts have sent: at once where it is little, in the background where it is much.

What a crash interrupted is found in the database by whoever starts next.
"""

import logging
import threading
from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from core.db.repositories import users
from core.db.session import transact
from core.errors import Conflict
from core.retraction import erase_portion

_log = logging.getLogger(__name__)

LOOK_S = 600.0
_AGAIN_S = 5.0  # after the archive, or somebody else, had a product in hand
_STOP_S = 5.0
_ACCOUNTS = 20  # looked up at once


class Eraser:
    """A background thread that erases the products of accounts that are deleted."""

    def __init__(self, sessions: sessionmaker[Session], readers: sessionmaker[Session]) -> None:
        self._sessions = sessions
        self._readers = readers
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="eraser", daemon=True)

    def start(self) -> None:
        """Begin with what was left, then wait for more."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the portion in hand."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_S)

    def erase_now(self, owner_id: str, *, actor_id: str) -> bool:
        """Erase one portion of a deleted account's products; True when nothing is left, else the thread goes on."""
        try:
            more = erase_portion(self._sessions, owner_id=owner_id, actor_id=actor_id, reason=None)
        except (Conflict, SQLAlchemyError):  # the account is deleted already: this is not lost, only later
            more = True
        if more:
            self._wake.set()
        return not more

    def finish(self) -> int:
        """Erase what deleted accounts still have, portion by portion; returns how many of them are left for later."""
        late, owner_id = 0, ""
        while owners := self._owners(after=owner_id):
            operator_id = transact(self._sessions, users.operator).id
            for owner_id in owners:
                late += not self._erase_all(owner_id, operator_id)
        return late

    def _owners(self, *, after: str) -> Sequence[str]:
        if self._stopping:
            return ()
        with self._readers() as session:
            return users.deleted_with_products(session, after=after, limit=_ACCOUNTS)

    def _erase_all(self, owner_id: str, operator_id: str) -> bool:
        try:
            while not self._stopping:
                if not erase_portion(self._sessions, owner_id=owner_id, actor_id=operator_id, reason=None):
                    _log.info("account.erased", extra={"account": owner_id})
                    return True
        except Conflict as error:
            _log.info("account.erased_later", extra={"account": owner_id, "code": error.code})
        return False

    def _work(self) -> None:
        wait_s = 0.0
        while not self._stopping:
            self._wake.wait(wait_s)
            self._wake.clear()
            try:
                wait_s = _AGAIN_S if self.finish() else LOOK_S
            except SQLAlchemyError as error:
                _log.warning("account.not_erased", extra={"error": type(error).__name__})
                wait_s = _AGAIN_S
            except Exception:
                _log.exception("account.erasing_failed")
                wait_s = LOOK_S
