"""Browsers' sessions, found by the hash of their secret. A session that ends is deleted."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Delete, Select, Update, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from core.db.models import UserAccount, WebSession
from core.db.types import utc_now

_UNSYNCHRONISED = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose session it is, and how long it has lasted, by the database's clock.

    Attributes:
        account: an active one, with the token version at which it signed in.
        age_s: seconds since the sign-in.
        idle_s: seconds since its use was last written down.
    """

    account: UserAccount
    age_s: float
    idle_s: float


def add(session: Session, *, secret_sha256: str, account_id: str, token_version: int) -> None:
    """Begin a session."""
    row = insert(WebSession).values(secret_sha256=secret_sha256, account_id=account_id, token_version=token_version)
    session.execute(row)


def holder_of(session: Session, secret_sha256: str) -> Holder | None:
    """Whose session has this secret, however long it has lasted; None: nobody's, or it was ended with the tokens."""
    found = session.execute(select_holder(secret_sha256)).one_or_none()
    if found is None:
        return None
    created_at, seen_at, now, account = found
    return Holder(account, (now - created_at).total_seconds(), (now - seen_at).total_seconds())


def select_holder(secret_sha256: str) -> Select[tuple[datetime, datetime, datetime, UserAccount]]:
    """The statement behind ``holder_of``."""
    return (
        select(WebSession.created_at, WebSession.last_seen_at, utc_now(), UserAccount)
        .join(UserAccount, UserAccount.id == WebSession.account_id)
        .where(
            WebSession.secret_sha256 == secret_sha256,
            WebSession.token_version == UserAccount.token_version,
            UserAccount.active.is_(True),
        )
    )


def note_use(session: Session, secret_sha256: str, *, not_within_s: float) -> bool:
    """Write down that a session is used now, unless that was done within ``not_within_s`` seconds. False: it was."""
    now = session.execute(select(utc_now())).scalar_one()
    return _changed(session, update_of_use(secret_sha256, now - timedelta(seconds=not_within_s))) == 1


def update_of_use(secret_sha256: str, before: datetime) -> Update:
    """The guarded statement behind ``note_use``."""
    stale = (WebSession.secret_sha256 == secret_sha256, WebSession.last_seen_at < before)
    return update(WebSession).where(*stale).values(last_seen_at=utc_now())


def end(session: Session, secret_sha256: str) -> bool:
    """End one session. False: there is none such."""
    return _changed(session, delete_of_session(secret_sha256)) == 1


def delete_of_session(secret_sha256: str) -> Delete:
    """The statement behind ``end``."""
    return delete(WebSession).where(WebSession.secret_sha256 == secret_sha256)


def end_all(session: Session, account_id: str) -> int:
    """End every session of an account; returns how many."""
    return _changed(session, delete_of_account(account_id))


def delete_of_account(account_id: str) -> Delete:
    """The statement behind ``end_all``."""
    return delete(WebSession).where(WebSession.account_id == account_id)


def sweep(session: Session, *, idle_s: float, lifetime_s: float) -> int:
    """Remove every session that was idle for ``idle_s`` or has lasted ``lifetime_s``; returns how many."""
    now = session.execute(select(utc_now())).scalar_one()
    return _changed(session, delete_of_ended(now - timedelta(seconds=idle_s), now - timedelta(seconds=lifetime_s)))


def delete_of_ended(seen_before: datetime, begun_before: datetime) -> Delete:
    """The statement behind ``sweep``."""
    ended = or_(WebSession.last_seen_at <= seen_before, WebSession.created_at <= begun_before)
    return delete(WebSession).where(ended)


def _changed(session: Session, statement: Update | Delete) -> int:
    return session.execute(statement, execution_options=_UNSYNCHRONISED).rowcount
