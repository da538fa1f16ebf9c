"""When a request has taken too long, and why nothing is half-done then.

Work runs in threads, and a thread cannot be stopped. So the clock and the commit race for one decision: whoever is
first has it. If the clock wins, the caller is told 503 and no commit of the request succeeds any more; if a commit
wins, the caller waits for the answer, which the database's own time-outs bound.
"""

import asyncio
import logging
import threading
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any, TypeVar

from sqlalchemy import event
from sqlalchemy.orm import Session, sessionmaker

from core.errors import Unavailable

_log = logging.getLogger(__name__)

_Result = TypeVar("_Result")


class DeadlinePassed(Unavailable):
    """The request took longer than a caller should wait; nothing was changed."""

    code = "service.deadline"

    def __init__(self) -> None:
        super().__init__("The answer took too long, and nothing was changed; try again.")


class Deadline:
    """One request's decision between the clock and the commit. Threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._committed = self._passed = False

    def commit(self) -> None:
        """Decide for the work.

        Raises:
            DeadlinePassed: the clock was faster.
        """
        with self._lock:
            if self._passed:
                raise DeadlinePassed
            self._committed = True

    def expire(self) -> bool:
        """Decide for the clock; False when something was committed before."""
        with self._lock:
            self._passed = not self._committed
            return self._passed


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


def guard_commits(sessions: sessionmaker[Session]) -> None:
    """Let every commit of these sessions ask the deadline of the request that it belongs to."""

    @event.listens_for(sessions, "before_commit")
    def _ask(session: Session) -> None:
        deadline = _current.get()
        if deadline is not None and not session.in_nested_transaction():
            deadline.commit()


async def answer_in_time(work: Coroutine[Any, Any, _Result], seconds: float) -> _Result:
    """What ``work`` returns, unless it takes longer than ``seconds`` and has committed nothing.

    Work that is given up runs to its end unseen; it keeps its place and its thread until then.

    Raises:
        DeadlinePassed: it took too long.
    """
    deadline = Deadline()
    before = _current.set(deadline)
    task = asyncio.ensure_future(work)  # sees the deadline, as does every thread it uses
    _current.reset(before)
    try:
        await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if not task.done() and deadline.expire():
        task.add_done_callback(_note_late_end)
        raise DeadlinePassed
    return await task


def _note_late_end(task: asyncio.Task[Any]) -> None:
    error = None if task.cancelled() else task.exception()
    _log.warning("request.ended_late", extra={"error": type(error).__name__ if error else None})
