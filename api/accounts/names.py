"""What accounts may be called."""

import re

from core.errors import Invalid

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")


class BadUsername(Invalid):
    """A name that accounts do not have: 1 to 64 of a-z 0-9 . _ @ + -, with a letter or a digit first."""

    code = "account.bad_username"


def is_username(name: str) -> bool:
    """Whether an account may have this name."""
    return _USERNAME.fullmatch(name) is not None


def require_username(name: str) -> None:
    """Refuse what is no name.

    Raises:
        BadUsername: see there.
    """
    if not is_username(name):
        raise BadUsername("a username has 1 to 64 of a-z 0-9 . _ @ + - and starts with a letter or a digit")
