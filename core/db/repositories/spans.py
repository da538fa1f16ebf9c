"""Which products and verdicts belong to a span of time; spans are half open, both ends naive UTC.

What the check of the service sends is no product of anybody's and is left out of every figure about people.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select

from core.db.models import Prediction, UserAccount, Verdict
from core.db.repositories.users import CANARIES

_CLOCKS = timedelta(days=1)  # ids are made by another clock than the moments in the same row


def created(since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    """Ids begin with the milliseconds at which they were made, so the key finds a span that no index knows."""
    first, last = (_id_at(moment) for moment in (since - _CLOCKS, until + _CLOCKS))
    return Prediction.id >= first, Prediction.id < last, Prediction.created_at >= since, Prediction.created_at < until


def decided(since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    """Verdicts that were given within a span."""
    return Verdict.decided_at >= since, Verdict.decided_at < until


def of_people() -> ColumnElement[bool]:
    """Products that somebody sent for the answer's sake."""
    return Prediction.owner_id.not_in(select(UserAccount.id).where(UserAccount.username.in_(CANARIES)))


def _id_at(moment: datetime) -> str:
    """What every UUIDv7 of that moment or later is not below."""
    milliseconds = int((moment - datetime(1970, 1, 1)) / timedelta(milliseconds=1))  # noqa: DTZ001 - naive UTC
    digits = f"{max(0, milliseconds):012x}"
    return f"{digits[:8]}-{digits[8:]}"
