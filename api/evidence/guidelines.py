"""The guidelines as a file that an import may replace while the service runs."""

import logging
import threading
from pathlib import Path

from core.domain.guidelines import BadGuidelines, Guidelines

_log = logging.getLogger(__name__)
_NONE = Guidelines({})


class GuidelinesFile:
    """Reads ``guidelines.csv`` again only when the file is another one. They help; nothing fails for lack of them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._read: tuple[tuple[int, int, int], Guidelines] | None = None

    def current(self) -> Guidelines:
        """The guidelines that stand in the file now; none where it is absent or cannot be read."""
        try:
            stat = self._path.stat()
        except OSError:
            return _NONE
        stamp = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        with self._lock:
            if self._read is None or self._read[0] != stamp:
                self._read = (stamp, self._load())
            return self._read[1]

    def _load(self) -> Guidelines:
        try:
            return Guidelines.from_csv(self._path)
        except (OSError, UnicodeError, BadGuidelines) as error:
            _log.warning("guidelines.unreadable", extra={"error": type(error).__name__})
            return _NONE
