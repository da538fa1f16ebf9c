"""Removes rows that have had their time, once a minute at most, with whatever request comes then."""

import logging
import threading
import time
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from core.db.session import transact

_log = logging.getLogger(__name__)
_SWEEP_S = 60.0


class Sweeper:
    """Calls ``sweep`` in a transaction of its own.

    Args:
        sessions: sessions that may change the database.
        sweep: removes what has ended; returns how many.
        what: what it removes, for the log.
        clock: seconds, ever more.
    """

    def __init__(
        self,
        sessions: sessionmaker[Session],
        sweep: Callable[[Session], int],
        what: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sessions = sessions
        self._sweep = sweep
        self._what = what
        self._clock = clock
        self._swept = clock()
        self._lock = threading.Lock()

    def now_and_then(self) -> None:
        """Sweep, unless that was done within the last minute."""
        with self._lock:
            if self._clock() - self._swept < _SWEEP_S:
                return
            self._swept = self._clock()
        try:
            transact(self._sessions, self._sweep)
        except SQLAlchemyError as error:  # the next one does it
            _log.warning("account.not_swept", extra={"what": self._what, "error": type(error).__name__})
