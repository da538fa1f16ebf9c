"""Hashing passwords: Argon2id at 19 MiB, two passes, one lane (OWASP's recommendation; about 25 ms)."""

import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core.db.repositories.users import UNMATCHED_HASH

LONGEST = 1024  # characters


class Passwords:
    """Hashes and checks passwords. Safe to share between threads; ``Turnstile`` bounds how many hash at once."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._decoy = self._hasher.hash(secrets.token_hex(16))

    def hash(self, password: str) -> str:
        """The hash to store, with its salt and parameters."""
        return self._hasher.hash(_spelt(password))

    def matches(self, password: str, stored: str | None) -> bool:
        """Whether ``password`` has the hash ``stored``; None (no such account) costs the same time and is False."""
        if len(password) > LONGEST:
            return False
        known = stored is not None and stored != UNMATCHED_HASH
        try:
            return self._hasher.verify(stored if known else self._decoy, _spelt(password)) and known
        except (VerificationError, InvalidHashError):
            return False


def _spelt(password: str) -> str:
    """One spelling of what looks the same: keyboards differ in how they write an accented letter."""
    return unicodedata.normalize("NFKC", password)
