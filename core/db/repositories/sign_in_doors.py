"""Doors at which attempts are counted. A door's window begins with the first attempt and ends by itself.

A door is the sha256 of what it stands for: no name and no address is kept.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Delete, Select, Update, case, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.db.models import SignInDoor
from core.db.types import utc_now

_UNSYNCHRONISED = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Door:
    """What was counted at a door whose window is open: attempts, and seconds until the window ends."""

    attempts: int
    left_s: float


def open_windows(session: Session, doors: Collection[str]) -> dict[str, Door]:
    """What was counted at those of ``doors`` whose window has not ended."""
    found = session.execute(select_windows(doors)).all()
    seen = {door: Door(attempts, (ends_at - now).total_seconds()) for door, attempts, ends_at, now in found}
    return {name: door for name, door in seen.items() if door.left_s > 0}


def select_windows(doors: Collection[str]) -> Select[tuple[str, int, datetime, datetime]]:
    """The statement behind ``open_windows``."""
    columns = (SignInDoor.door, SignInDoor.failures, SignInDoor.window_ends_at, utc_now())
    return select(*columns).where(SignInDoor.door.in_(doors))


def count(session: Session, windows_s: Mapping[str, float]) -> None:
    """Count one attempt at each door; a window that has ended begins anew, ``windows_s`` seconds long.

    Doors are taken in one order, so that two who count at the same doors wait for each other instead of for ever.
    """
    now = session.execute(select(utc_now())).scalar_one()
    for door in sorted(windows_s):
        _count_one(session, door, now, now + timedelta(seconds=windows_s[door]))


def _count_one(session: Session, door: str, now: datetime, until: datetime) -> None:
    again = update_of_count(door, now, until)
    if _changed(session, again):
        return
    try:
        # A statement of its own and no savepoint: after a duplicate key the transaction goes on, on every database.
        session.execute(insert(SignInDoor).values(door=door, failures=1, window_ends_at=until))
    except IntegrityError:  # somebody else counted here first, at this moment
        _changed(session, again)


def update_of_count(door: str, now: datetime, until: datetime) -> Update:
    """One more, or the first of a new window. MySQL assigns from left to right: the count looks at the old window."""
    ended = SignInDoor.window_ends_at <= now
    return (
        update(SignInDoor)
        .where(SignInDoor.door == door)
        .ordered_values(
            (SignInDoor.failures, case((ended, 1), else_=SignInDoor.failures + 1)),
            (SignInDoor.window_ends_at, case((ended, until), else_=SignInDoor.window_ends_at)),
        )
    )


def keep_until(session: Session, door: str, *, lifetime_s: float) -> None:
    """Let a door stand for ``lifetime_s`` from now, with nothing counted at it."""
    until = session.execute(select(utc_now())).scalar_one() + timedelta(seconds=lifetime_s)
    longer = update_of_keeping(door, until)
    if _changed(session, longer):
        return
    try:
        session.execute(insert(SignInDoor).values(door=door, failures=0, window_ends_at=until))
    except IntegrityError:
        _changed(session, longer)


def update_of_keeping(door: str, until: datetime) -> Update:
    """The statement behind ``keep_until`` for a door that stands already."""
    return update(SignInDoor).where(SignInDoor.door == door).values(failures=0, window_ends_at=until)


def forget(session: Session, door: str) -> None:
    """Forget what was counted at a door."""
    session.execute(delete_of_door(door), execution_options=_UNSYNCHRONISED)


def delete_of_door(door: str) -> Delete:
    """The statement behind ``forget``."""
    return delete(SignInDoor).where(SignInDoor.door == door)


def sweep(session: Session) -> int:
    """Remove every door whose window has ended; returns how many."""
    return _changed(session, delete_of_ended())


def delete_of_ended() -> Delete:
    """The statement behind ``sweep``."""
    return delete(SignInDoor).where(SignInDoor.window_ends_at <= utc_now())


def _changed(session: Session, statement: Update | Delete) -> int:
    return session.execute(statement, execution_options=_UNSYNCHRONISED).rowcount
