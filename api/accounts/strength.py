"""Which passwords are refused because they are guessed first. No network is asked.

A password counts as long as it is hard to guess: a common word, a run along the keyboard or a year counts as two
characters however long it is, a repetition as what it repeats, everything else as one each. Lists of breached passwords
are made of such pieces; those of 12 characters and more that are not stand in ``common_passwords.txt`` with the words.
"""

import re
from functools import cache
from pathlib import Path

from api.accounts.passwords import LONGEST
from core.errors import Invalid

SHORTEST = 12  # characters
_SHORTEST_COUNTED = 8  # characters that count
_PIECE = 2  # what a piece that is easy to guess counts as
_SHORTEST_RUN = 4  # characters
_COMMON = Path(__file__).with_name("common_passwords.txt")
_RUNS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    "qwertzuiop",
    "yxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "qazwsxedcrfvtgbyhnujm",
    "zaqxswcdevfrbgtnhymju",
    "1a2b3c4d5e6f7g8h9i",
    "a1b2c3d4e5f6g7h8i9",
)
_LOOKALIKES = str.maketrans("@4310$5!7", "aaeiossit")
_YEAR = re.compile(r"(?:19|20)\d\d")
_REPEATED = re.compile(r"(.{2,16}?)\1+|(.)\2{2,}", re.DOTALL)


class WeakPassword(Invalid):
    """The password is too easy to guess."""

    code = "account.weak_password"


def require_strong(password: str, username: str) -> None:
    """Refuse what is guessed first.

    Raises:
        WeakPassword: shorter than 12 or longer than 1,024 characters, made of few characters, holds the name, or is
            common, or made of common pieces.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise WeakPassword(f"a password has {SHORTEST} to {LONGEST} characters")
    if len(set(password)) < 5:
        raise WeakPassword("a password has at least five different characters")
    if username.lower() in password.lower():
        raise WeakPassword("a password does not hold the username")
    if password.lower() in _passwords() or counted(password) < _SHORTEST_COUNTED:
        raise WeakPassword("this password is one of those that are tried first")


def counted(password: str) -> int:
    """How many characters of a password count, with whatever in it is easy to guess as two."""
    lower = password.lower()
    return min(_counted(lower), _counted(lower.translate(_LOOKALIKES)))


def _counted(text: str) -> int:
    text = _REPEATED.sub(lambda found: found[1] or found[2], text)
    total = at = 0
    while at < len(text):
        length = _guessable(text, at)
        total += min(length, _PIECE) or 1
        at += length or 1
    return total


def _guessable(text: str, at: int) -> int:
    """The length of the longest piece that begins at ``at`` and is easy to guess; 0: none does."""
    year = _YEAR.match(text, at)
    word = max((len(word) for word in _words() if text.startswith(word, at)), default=0)
    return max(word, _run(text, at), len(year[0]) if year else 0)


def _run(text: str, at: int) -> int:
    """The length of the run along the keyboard or the alphabet, in either direction, that begins at ``at``."""
    longest = 0
    for end in range(at + _SHORTEST_RUN, len(text) + 1):
        if not any(text[at:end] in run for run in _both_ways()):
            break
        longest = end - at
    return longest


@cache
def _both_ways() -> tuple[str, ...]:
    return (*_RUNS, *(run[::-1] for run in _RUNS))


@cache
def _lists() -> tuple[frozenset[str], frozenset[str]]:
    words, passwords = _COMMON.read_text(encoding="utf-8").split("\n\n")
    return frozenset(_lines(words)), frozenset(_lines(passwords))


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _words() -> frozenset[str]:
    return _lists()[0]


def _passwords() -> frozenset[str]:
    return _lists()[1]
