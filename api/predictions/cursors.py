"""Opaque cursors: the last row of a page, so that pages stay right while rows come and go."""

import base64
import binascii
import math
import re

from core.db.models import Prediction
from core.db.repositories.predictions import Order, Position
from core.errors import Invalid

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class BadCursor(Invalid):
    """A cursor that no page of this order gave out."""

    code = "request.bad_cursor"

    def __init__(self) -> None:
        super().__init__("The cursor is not one that a page in this order gave out.")


def is_prediction_id(text: str) -> bool:
    """Whether ``text`` is spelt as predictions' ids are: a lower-case UUID."""
    return _ID.fullmatch(text) is not None


def encode(order: Order, last: Prediction) -> str:
    """The cursor of the page after ``last``."""
    confidence = repr(last.confidence) if order is Order.UNCERTAIN else ""
    return base64.urlsafe_b64encode(f"{order.value}/{confidence}/{last.id}".encode()).decode().rstrip("=")


def decode(order: Order, cursor: str) -> Position:
    """The position that a cursor stands for.

    Raises:
        BadCursor: it is not one of ours, or belongs to another order.
    """
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        name, confidence, last_id = text.split("/")
        position = Position(last_id, float(confidence) if order is Order.UNCERTAIN else None)
    except (binascii.Error, ValueError):
        raise BadCursor from None
    finite = position.confidence is None or math.isfinite(position.confidence)
    if name != order.value or not finite or not is_prediction_id(last_id):
        raise BadCursor
    return position
