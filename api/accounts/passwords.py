"""Hashing passwords: Argon2id at 19 MiB, two passes, one lane (OWASP's recommendation; about 25 ms)."""

import secrets
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core.errors import Invalid

SHORTEST = 12  # characters
LONGEST = 1024  # characters
_AT_ONCE = 4  # hashes, hence 76 MiB at most


class WeakPassword(Invalid):
    """The password is too easy to guess."""

    code = "account.weak_password"


class Passwords:
    """Hashes and checks passwords. Safe to share between threads."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._slots = threading.BoundedSemaphore(_AT_ONCE)
        self._decoy = self._hasher.hash(secrets.token_hex(16))

    def hash(self, password: str) -> str:
        """The hash to store, with its salt and parameters."""
        with self._slots:
            return self._hasher.hash(password)

    def matches(self, password: str, stored: str | None) -> bool:
        """Whether ``password`` has the hash ``stored``; None (no such account) costs the same time and is False."""
        if len(password) > LONGEST:
            return False
        try:
            with self._slots:
                return self._hasher.verify(stored or self._decoy, password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


def require_strong(password: str, username: str) -> None:
    """Refuse what is guessed first.

    Raises:
        WeakPassword: shorter than 12 or longer than 1,024 characters, made of few characters, or holds the name.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise WeakPassword(f"a password has {SHORTEST} to {LONGEST} characters")
    if len(set(password)) < 5:
        raise WeakPassword("a password has at least five different characters")
    if username.lower() in password.lower():
        raise WeakPassword("a password does not hold the username")
