"""How many predictions run at once; the rest are told to come back instead of waiting in a growing queue."""

import threading
from types import TracebackType

from core.errors import Unavailable


class Overloaded(Unavailable):
    """More predictions are under way than can be answered in time."""

    code = "service.overloaded"


class Admission:
    """A context manager that lets ``limit`` threads in and turns the next away at once."""

    def __init__(self, limit: int) -> None:
        self._slots = threading.BoundedSemaphore(limit)

    def __enter__(self) -> None:
        """Enter.

        Raises:
            Overloaded: everybody who fits is inside.
        """
        if not self._slots.acquire(blocking=False):
            raise Overloaded("The service is answering as much as it can; try again.")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._slots.release()
