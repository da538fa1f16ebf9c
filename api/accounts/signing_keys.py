"""The keys that sign access tokens, followed in their file: a new one is put on top, and the old one goes later."""

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from api.accounts.secrets import WeakKey, require_strong_key
from core.settings import AuthSettings

_log = logging.getLogger(__name__)
_LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key. ``id`` stands in the tokens it signs, and tells nothing about it."""

    id: str
    secret: bytes


class KeyRing:
    """The keys in force. The first signs, all verify. Safe to share between threads.

    A file is looked at once a second at most. One that cannot be read, or holds a weak key, changes nothing: the keys
    before it stay in force, and the log says so.

    Raises:
        WeakKey: one of the keys is, or there is none.
    """

    def __init__(self, settings: AuthSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = settings.key_file
        self._clock = clock
        self._lock = threading.Lock()
        self._looked = clock()
        self._stamp = _stamp(self._file)
        text = self._file.read_text(encoding="utf-8") if self._file else settings.key.get_secret_value()
        self._keys = parse_keys(text)

    def signing(self) -> SigningKey:
        """The key that signs now."""
        return self._current()[0]

    def find(self, key_id: object) -> bytes | None:
        """The secret of the key with this id, if it is in force."""
        return next((key.secret for key in self._current() if key.id == key_id), None)

    def _current(self) -> tuple[SigningKey, ...]:
        with self._lock:
            if self._file is not None and self._clock() - self._looked >= _LOOK_S:
                self._looked = self._clock()
                self._follow(self._file)
            return self._keys

    def _follow(self, file: Path) -> None:
        try:
            stamp = _stamp(file)
            if stamp == self._stamp:
                return
            self._keys = parse_keys(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeError, WeakKey) as error:
            _log.error("account.keys_refused", extra={"error": type(error).__name__})
            return
        self._stamp = stamp
        _log.info("account.keys_read", extra={"keys": [key.id for key in self._keys]})


def parse_keys(text: str) -> tuple[SigningKey, ...]:
    """The keys in a text, one a line; empty lines do not count.

    Raises:
        WeakKey: one of them is, or there is none.
    """
    lines = [line.strip().encode() for line in text.splitlines() if line.strip()]
    if not lines:
        raise WeakKey
    for line in lines:
        require_strong_key(line)
    return tuple(SigningKey(hashlib.sha256(b"etalon key id\0" + line).hexdigest()[:16], line) for line in lines)


def _stamp(file: Path | None) -> tuple[int, int, int] | None:
    """What changes when a file is written or replaced."""
    if file is None:
        return None
    seen = file.stat()
    return seen.st_ino, seen.st_mtime_ns, seen.st_size
