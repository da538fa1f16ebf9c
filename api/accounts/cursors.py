"""Opaque cursors: the last name of a page, so that pages stay right while accounts come and go."""

import base64
import binascii

from api.accounts.names import is_username
from api.predictions.cursors import BadCursor


def encode(username: str) -> str:
    """The cursor of the page after ``username``."""
    return base64.urlsafe_b64encode(username.encode()).decode().rstrip("=")


def decode(cursor: str) -> str:
    """The name that a cursor stands for.

    Raises:
        BadCursor: it is not one of ours.
    """
    try:
        username = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        raise BadCursor from None
    if not is_username(username):
        raise BadCursor
    return username
