"""Opaque cursors: the last row of a page, so that pages stay right while rows come and go."""

import base64
import binascii
import math
import re
from dataclasses import dataclass
from datetime import datetime

from core.db.models import Prediction
from core.db.repositories.predictions import Order, Position
from core.errors import Invalid

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class BadCursor(Invalid):
    """A cursor that no page of this order gave out."""

    code = "request.bad_cursor"

    def __init__(self) -> None:
        super().__init__("The cursor is not one that a page in this order gave out.")


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a list goes on.

    Attributes:
        after: the last row of the page before.
        begun_at: when the first page was read, by the database's clock; naive UTC.
    """

    after: Position
    begun_at: datetime


def is_prediction_id(text: str) -> bool:
    """Whether ``text`` is spelt as predictions' ids are: a lower-case UUID."""
    return _ID.fullmatch(text) is not None


def encode(order: Order, last: Prediction, begun_at: datetime) -> str:
    """The cursor of the page after ``last``."""
    text = "/".join((order.value, _key(order, last), last.id, begun_at.isoformat()))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _key(order: Order, last: Prediction) -> str:
    match order:
        case Order.UNCERTAIN:
            return repr(last.confidence)
        case Order.UPDATED:
            return last.updated_at.isoformat()
        case _:
            return ""


def decode(order: Order, cursor: str) -> Cursor:
    """Where the list goes on that gave this cursor out.

    Raises:
        BadCursor: it is not one of ours, or belongs to another order.
    """
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        name, key, last_id, begun_at = text.split("/")
        found = Cursor(_position(order, key, last_id), _moment(begun_at))
    except (binascii.Error, ValueError):
        raise BadCursor from None
    if name != order.value or not is_prediction_id(last_id):
        raise BadCursor
    return found


def _position(order: Order, key: str, last_id: str) -> Position:
    match order:
        case Order.UNCERTAIN:
            confidence = float(key)
            if not math.isfinite(confidence):
                raise ValueError("a confidence is a number")
            return Position(last_id, confidence=confidence)
        case Order.UPDATED:
            return Position(last_id, updated_at=_moment(key))
        case _:
            return Position(last_id)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not None or moment.year < 2000:  # ours are naive UTC, and a hold-back is taken off them
        raise ValueError("a moment of ours has no zone")
    return moment
