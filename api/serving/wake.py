"""The alarm clock: posts an event when enough verdicts wait, or a person asks for a retraining.

Best effort; the DAG's own timetable is the guarantee.
"""

import logging
import threading
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from api.serving.airflow import AirflowDown
from core.db.repositories import outbox
from core.db.repositories.outbox import Waiting
from core.settings import LoopSettings

_log = logging.getLogger(__name__)

_NOTHING = Waiting(0, 0.0)
_LEFT_OPEN_S = 60.0  # longer than the orchestrator takes from a claim to its end, unless it died in between
_STOP_S = 5.0  # longer than one question to the orchestrator


class WakePolicy:
    """When to ring: once when a batch is due, and once more for every further batch that gathers meanwhile.

    A batch is due by the rule that the orchestrator's own look follows, ``Waiting.is_due``. One that was claimed
    and not finished rings once, when it has lain open for longer than it should. A person's wish rings once.

    Args:
        min_rows: rows that make a batch due.
        max_age_s: age of the oldest row that makes any batch due.
    """

    def __init__(self, min_rows: int, max_age_s: float) -> None:
        self._min_rows = min_rows
        self._max_age_s = max_age_s
        self._heard = _NOTHING

    def is_due(self, waiting: Waiting) -> bool:
        """Whether to ring now. Fewer rows than at the last ring mean that a batch was taken: counting starts anew."""
        if waiting.rows < self._heard.rows or waiting.open_s < self._heard.open_s:
            self._heard = _NOTHING
        heard = self._heard
        if waiting.open_s >= _LEFT_OPEN_S > heard.open_s:
            return True
        if waiting.request is not None:
            return waiting.request != heard.request
        if heard.rows == 0:
            return waiting.is_due(min_rows=self._min_rows, max_age_s=self._max_age_s)
        grown = waiting.rows - heard.rows >= self._min_rows
        return grown or (waiting.urgent and not heard.urgent)

    def rang(self, waiting: Waiting) -> None:
        """Remember a ring that was heard."""
        self._heard = waiting


class Waker:
    """A background thread that looks at what waits and rings.

    Args:
        readers: sessions for looking.
        announce: tells the orchestrator how many rows wait; raises ``AirflowDown``.
        settings: when to ring and how often to look.
    """

    def __init__(self, readers: sessionmaker[Session], announce: Callable[[int], None], settings: LoopSettings) -> None:
        self._readers = readers
        self._announce = announce
        self._poll_s = settings.wake_poll_s
        self._policy = WakePolicy(settings.min_rows, settings.max_age_s)
        self._unheard = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="wake", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stopping.set()
        self._thread.join(_STOP_S)

    def look(self) -> bool:
        """Look once and ring if it is time; whether a ring was heard.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the outbox cannot be read.
        """
        with self._readers() as session:
            waiting = outbox.waiting(session)
        if not self._policy.is_due(waiting):
            return False
        try:
            self._announce(waiting.rows)
        except AirflowDown as error:
            self._note_silence(error)
            return False
        self._policy.rang(waiting)
        self._unheard = 0
        _log.info("retrain.announced", extra={"rows": waiting.rows})
        return True

    def _note_silence(self, error: AirflowDown) -> None:
        """Log the first failure of a row; the rest is the same news."""
        self._unheard += 1
        if self._unheard == 1:
            _log.warning("retrain.unheard", extra={"error": str(error)})

    def _watch(self) -> None:
        while not self._stopping.wait(self._poll_s * min(2**self._unheard, 30)):
            try:
                self.look()
            except SQLAlchemyError as error:
                _log.warning("retrain.outbox_unreadable", extra={"error": type(error).__name__})
            except Exception:
                _log.exception("retrain.look_failed")
