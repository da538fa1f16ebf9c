"""API keys: found by the hash of their secret, revoked for good."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import uuid_utils
from sqlalchemy import Select, Update, func, or_, select, update
from sqlalchemy.orm import Session

from core.db.models import ApiKey, UserAccount
from core.db.types import utc_now

_UNSYNCHRONISED = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Holder:
    """A key that is not revoked, with the account it acts for.

    Attributes:
        used_s_ago: seconds since its use was last written down; None: never.
    """

    key_id: str
    account: UserAccount
    used_s_ago: float | None


def add(session: Session, *, account_id: str, name: str, hint: str, secret_sha256: str) -> ApiKey:
    """Insert a key with a new UUIDv7."""
    key = ApiKey(id=str(uuid_utils.uuid7()), account_id=account_id, name=name, hint=hint, secret_sha256=secret_sha256)
    session.add(key)
    session.flush()
    session.refresh(key)  # its time is the database's
    return key


def holder_of(session: Session, secret_sha256: str) -> Holder | None:
    """Whose key has this secret; None: nobody's, or it is revoked."""
    found = session.execute(select_holder(secret_sha256)).one_or_none()
    if found is None:
        return None
    key_id, used_at, now, account = found
    return Holder(key_id, account, (now - used_at).total_seconds() if used_at else None)


def select_holder(secret_sha256: str) -> Select[tuple[str, datetime | None, datetime, UserAccount]]:
    """The statement behind ``holder_of``."""
    return (
        select(ApiKey.id, ApiKey.last_used_at, utc_now(), UserAccount)
        .join(UserAccount, UserAccount.id == ApiKey.account_id)
        .where(ApiKey.secret_sha256 == secret_sha256, ApiKey.revoked_at.is_(None))
    )


def live_of(session: Session, account_id: str) -> Sequence[ApiKey]:
    """An account's keys that are not revoked, oldest first."""
    return session.scalars(select_live(account_id)).all()


def select_live(account_id: str) -> Select[tuple[ApiKey]]:
    """The statement behind ``live_of``."""
    return select(ApiKey).where(ApiKey.account_id == account_id, ApiKey.revoked_at.is_(None)).order_by(ApiKey.id)


def count_live(session: Session, account_id: str) -> int:
    """How many keys of an account are not revoked."""
    return session.scalar(select_live_count(account_id)) or 0


def select_live_count(account_id: str) -> Select[tuple[int]]:
    """The statement behind ``count_live``."""
    return select(func.count()).where(ApiKey.account_id == account_id, ApiKey.revoked_at.is_(None))


def note_use(session: Session, key_id: str, *, not_within_s: float) -> bool:
    """Write down that a key is used now, unless that was done in the last ``not_within_s`` seconds. False: it was."""
    now = session.execute(select(utc_now())).scalar_one()
    return _changed(session, update_of_use(key_id, now - timedelta(seconds=not_within_s))) == 1


def update_of_use(key_id: str, before: datetime) -> Update:
    """The guarded statement behind ``note_use``."""
    stale = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < before)
    return update(ApiKey).where(ApiKey.id == key_id, stale).values(last_used_at=utc_now())


def revoke(session: Session, key_id: str, *, account_id: str) -> bool:
    """Revoke one key of an account. False: it has no such key, or not any more."""
    return _changed(session, update_of_revocation(account_id, key_id)) == 1


def revoke_all(session: Session, account_id: str) -> int:
    """Revoke every key of an account; returns how many."""
    return _changed(session, update_of_revocation(account_id, None))


def update_of_revocation(account_id: str, key_id: str | None) -> Update:
    """The guarded statement behind ``revoke`` and ``revoke_all``."""
    statement = update(ApiKey).where(ApiKey.account_id == account_id, ApiKey.revoked_at.is_(None))
    if key_id is not None:
        statement = statement.where(ApiKey.id == key_id)
    return statement.values(revoked_at=utc_now())


def _changed(session: Session, statement: Update) -> int:
    return session.execute(statement, execution_options=_UNSYNCHRONISED).rowcount
