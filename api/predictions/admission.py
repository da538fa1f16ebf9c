"""How many predictions run at once; the rest are told to come back instead of waiting in a growing queue."""

from core.errors import Unavailable


class Overloaded(Unavailable):
    """More predictions are under way than can be answered in time."""

    code = "service.overloaded"


class Admission:
    """Counts who is inside. It lives on the event loop: nobody waits for a thread only to be turned away."""

    def __init__(self, limit: int) -> None:
        self._free = limit

    def enter(self) -> None:
        """Take a place.

        Raises:
            Overloaded: everybody who fits is inside.
        """
        if self._free == 0:
            raise Overloaded("The service is answering as much as it can; try again.")
        self._free -= 1

    def leave(self) -> None:
        """Give the place back."""
        self._free += 1
