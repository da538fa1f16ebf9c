"""Whether this process is about to end."""


class Drain:
    """Set once, when the process is told to stop: it is no longer ready, and every answer closes its connection."""

    def __init__(self) -> None:
        self._begun = False

    @property
    def begun(self) -> bool:
        """Whether it was told to stop."""
        return self._begun

    def begin(self) -> None:
        """Remember that it was told to stop."""
        self._begun = True
