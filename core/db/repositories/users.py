"""Accounts."""

import uuid_utils
from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from core.db.models import UserAccount
from core.domain.roles import Role

OPERATOR = "(operator)"
"""Who decides from the command line. Accounts that sign in have no name like this."""
_UNMATCHED_HASH = "!"


def operator(session: Session) -> UserAccount:
    """The account that decisions from the command line belong to; made when it is needed first. It cannot sign in.

    Raises:
        sqlalchemy.exc.IntegrityError: another process made it at this moment; ask again.
    """
    known = by_username(session, OPERATOR)
    if known is not None:
        return known
    account = UserAccount(
        id=str(uuid_utils.uuid7()),
        username=OPERATOR,
        password_hash=_UNMATCHED_HASH,
        role=Role.ADMIN.value,
        active=False,
    )
    session.add(account)
    session.flush()
    return account


def by_id(session: Session, user_id: str) -> UserAccount | None:
    """The account with this id."""
    return session.get(UserAccount, user_id)


def wait_for_decisions_of(session: Session, user_id: str) -> None:
    """Return once every transaction has ended in which this account was deciding: what they decided is to be seen then.

    A verdict holds its reviewer's row shared until it is committed (the foreign key does that); SQLite has one
    writer at a time anyway.
    """
    session.execute(select_for_update(user_id)).all()


def select_for_update(user_id: str) -> Select[tuple[str]]:
    """The statement behind ``wait_for_decisions_of``."""
    return select(UserAccount.id).where(UserAccount.id == user_id).with_for_update()


def by_username(session: Session, username: str) -> UserAccount | None:
    """The account with this name, spelt exactly so."""
    return session.scalars(select(UserAccount).where(UserAccount.username == username)).one_or_none()


def add(session: Session, *, username: str, password_hash: str, role: Role) -> UserAccount:
    """Insert an active account with a new UUIDv7.

    Raises:
        sqlalchemy.exc.IntegrityError: the name is taken.
    """
    account = UserAccount(
        id=str(uuid_utils.uuid7()), username=username, password_hash=password_hash, role=role.value, active=True
    )
    session.add(account)
    session.flush()
    return account


def replace_credentials(session: Session, user_id: str, *, password_hash: str, role: Role) -> bool:
    """Set password and role, and revoke every token given out before. False: there is no such account."""
    statement = (
        update(UserAccount)
        .where(UserAccount.id == user_id)
        .values(
            password_hash=password_hash,
            role=role.value,
            active=True,
            token_version=UserAccount.token_version + 1,
        )
    )
    return session.execute(statement, execution_options={"synchronize_session": False}).rowcount == 1
