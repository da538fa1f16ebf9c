"""Accounts. Every change is one UPDATE of an account that is not deleted; the row count says whether it was there."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import uuid_utils
from sqlalchemy import ColumnElement, Select, Update, case, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.db.models import Prediction, UserAccount
from core.db.types import utc_now
from core.domain.roles import Role
from core.errors import Conflict

OPERATOR = "(operator)"
"""Who decides from the command line. Accounts that sign in have no name like this."""
CANARY = "canary"
CANARIES = (CANARY, f"{CANARY}-reviewer")
"""Whose products only show that the service answers: no figure about the shop's products counts them."""
UNMATCHED_HASH = "!"
"""What stands in place of a password's hash where no password signs in."""
_UNSYNCHRONISED = {"synchronize_session": False}


class NameTaken(Conflict):
    """Another account has this name."""

    code = "account.name_taken"

    def __init__(self) -> None:
        super().__init__("Another account has this name.")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many accounts there are; deleted ones, and the one behind the command line, are none."""

    total: int
    active: int


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
        password_hash=UNMATCHED_HASH,
        role=Role.ADMIN.value,
        active=False,
    )
    session.add(account)
    session.flush()
    return account


def by_id(session: Session, user_id: str) -> UserAccount | None:
    """The account with this id."""
    return session.get(UserAccount, user_id)


def by_username(session: Session, username: str) -> UserAccount | None:
    """The account with this name, spelt exactly so."""
    return session.scalars(select(UserAccount).where(UserAccount.username == username)).one_or_none()


def wait_for_decisions_of(session: Session, user_id: str) -> None:
    """Return once every transaction has ended in which this account was deciding: what they decided is to be seen then.

    A verdict holds its reviewer's row shared until it is committed (the foreign key does that); SQLite has one
    writer at a time anyway.
    """
    session.execute(select_for_update(user_id)).all()


def select_for_update(user_id: str) -> Select[tuple[str]]:
    """The statement behind ``wait_for_decisions_of``."""
    return select(UserAccount.id).where(UserAccount.id == user_id).with_for_update()


def lock_with_admins(session: Session, user_id: str) -> tuple[UserAccount | None, frozenset[str]]:
    """Lock an account and every active admin, in one order, so that of two who remove each other one comes second.

    An admin appointed between the two questions only makes it safer. SQLite has one writer at a time anyway.

    Returns:
        The account, None where there is none, and the ids of the active admins.
    """
    ids = {user_id, *session.scalars(select_active_admins())}
    found = session.scalars(select_locked(sorted(ids)), execution_options={"populate_existing": True}).all()
    admins = frozenset(row.id for row in found if row.role == Role.ADMIN and row.active)
    return next((row for row in found if row.id == user_id and _is_open(row)), None), admins


def _is_open(row: UserAccount) -> bool:
    return row.deleted_at is None and row.username != OPERATOR


def select_active_admins() -> Select[tuple[str]]:
    """Who may administer."""
    return select(UserAccount.id).where(UserAccount.role == Role.ADMIN.value, UserAccount.active.is_(True))


def select_locked(user_ids: Collection[str]) -> Select[tuple[UserAccount]]:
    """The statement behind ``lock_with_admins``."""
    return select(UserAccount).where(UserAccount.id.in_(user_ids)).order_by(UserAccount.id).with_for_update()


# --- lists ----------------------------------------------------------------------------------------------------------


def page(
    session: Session, *, active: bool | None, role: Role | None, text: str | None, after: str | None, limit: int
) -> Sequence[UserAccount]:
    """Up to ``limit`` accounts by name, after the name ``after``; ``text`` is part of the name."""
    statement = select_page(active, role.value if role else None, text, after)
    return session.scalars(statement.limit(limit)).all()


def select_page(
    active: bool | None, role: str | None, text: str | None, after: str | None
) -> Select[tuple[UserAccount]]:
    """The statement behind ``page``, without its limit."""
    statement = select(UserAccount).where(*_listed())
    if active is not None:
        statement = statement.where(UserAccount.active.is_(active))
    if role is not None:
        statement = statement.where(UserAccount.role == role)
    if text is not None:
        statement = statement.where(UserAccount.username.contains(text, autoescape=True))
    if after is not None:
        statement = statement.where(UserAccount.username > after)
    return statement.order_by(UserAccount.username)


def count(session: Session) -> Counts:
    """How many accounts there are, and how many of them are active."""
    total, active = session.execute(select_counts()).one()
    return Counts(int(total), int(active))


def select_counts() -> Select[tuple[int, int]]:
    """The statement behind ``count``."""
    active = func.coalesce(func.sum(case((UserAccount.active.is_(True), 1), else_=0)), 0)
    return select(func.count(), active).select_from(UserAccount).where(*_listed())


def _listed() -> tuple[ColumnElement[bool], ...]:
    return UserAccount.deleted_at.is_(None), UserAccount.username != OPERATOR


def deleted_with_products(session: Session, *, after: str, limit: int) -> Sequence[str]:
    """Up to ``limit`` ids, after the id ``after``, of deleted accounts some of whose products are not erased yet."""
    return session.scalars(select_deleted_with_products(after).limit(limit)).all()


def select_deleted_with_products(after: str) -> Select[tuple[str]]:
    """The statement behind ``deleted_with_products``."""
    left = select(Prediction.id).where(Prediction.owner_id == UserAccount.id, Prediction.erase_requested_at.is_(None))
    deleted = select(UserAccount.id).where(UserAccount.deleted_at.is_not(None), UserAccount.id > after)
    return deleted.where(left.exists()).order_by(UserAccount.id)


# --- changes --------------------------------------------------------------------------------------------------------


def add(session: Session, *, username: str, password_hash: str, role: Role) -> UserAccount:
    """Insert an active account with a new UUIDv7.

    Raises:
        NameTaken: another account has the name; roll back.
    """
    account = UserAccount(
        id=str(uuid_utils.uuid7()), username=username, password_hash=password_hash, role=role.value, active=True
    )
    session.add(account)
    try:
        session.flush()
    except IntegrityError:
        raise NameTaken from None
    session.refresh(account)  # its time is the database's
    return account


def replace_credentials(session: Session, user_id: str, *, password_hash: str, role: Role) -> bool:
    """Set password and role, activate, and revoke every token given out before. False: there is no such account."""
    return _changed(session, update_of_credentials(user_id, password_hash, role.value))


def update_of_credentials(user_id: str, password_hash: str, role: str) -> Update:
    """The guarded statement behind ``replace_credentials``."""
    return (
        update(UserAccount)
        .where(*_open_account(user_id))
        .values(password_hash=password_hash, role=role, active=True, deactivated_by=None, token_version=_NEXT_VERSION)
    )


def set_password(session: Session, user_id: str, password_hash: str, *, token_version: int | None = None) -> bool:
    """Replace the password and revoke every token given out before.

    Args:
        session: the deciding transaction.
        user_id: whose password.
        password_hash: of the new one.
        token_version: the version at which the old password was checked; None changes it whatever it was.

    Returns:
        False when the account is gone, or was changed since ``token_version``.
    """
    return _changed(session, update_of_password(user_id, password_hash, token_version))


def update_of_password(user_id: str, password_hash: str, token_version: int | None) -> Update:
    """The guarded statement behind ``set_password``."""
    statement = update(UserAccount).where(*_open_account(user_id))
    if token_version is not None:
        statement = statement.where(UserAccount.token_version == token_version, UserAccount.active.is_(True))
    return statement.values(password_hash=password_hash, token_version=_NEXT_VERSION)


def revoke_tokens(session: Session, user_id: str) -> bool:
    """Revoke every token given out before. False: the account is gone."""
    return _changed(session, update_of_version(user_id))


def update_of_version(user_id: str) -> Update:
    """The guarded statement behind ``revoke_tokens``."""
    return update(UserAccount).where(*_open_account(user_id)).values(token_version=_NEXT_VERSION)


def set_username(session: Session, user_id: str, username: str) -> bool:
    """Rename an account. False: it is gone.

    Raises:
        NameTaken: another account has the name; roll back.
    """
    try:
        return _changed(session, update_of_username(user_id, username))
    except IntegrityError:
        raise NameTaken from None


def update_of_username(user_id: str, username: str) -> Update:
    """The guarded statement behind ``set_username``."""
    return update(UserAccount).where(*_open_account(user_id)).values(username=username)


def set_role(session: Session, user_id: str, role: Role) -> bool:
    """Give an account another role. False: it is gone."""
    return _changed(session, update_of_role(user_id, role.value))


def update_of_role(user_id: str, role: str) -> Update:
    """The guarded statement behind ``set_role``."""
    return update(UserAccount).where(*_open_account(user_id)).values(role=role)


def deactivate(session: Session, user_id: str, *, by: str) -> bool:
    """Close an account to sign-ins and revoke its tokens. ``by`` is ``self`` or ``admin``. False: it was not active."""
    return _changed(session, update_of_deactivation(user_id, by))


def update_of_deactivation(user_id: str, by: str) -> Update:
    """The guarded statement behind ``deactivate``."""
    return (
        update(UserAccount)
        .where(*_open_account(user_id))
        .where(UserAccount.active.is_(True))
        .values(active=False, deactivated_by=by, token_version=_NEXT_VERSION)
    )


def reactivate(session: Session, user_id: str, *, only_own: bool) -> bool:
    """Open an account again; with ``only_own`` only one that its owner closed. False: there is none such."""
    return _changed(session, update_of_reactivation(user_id, only_own=only_own))


def update_of_reactivation(user_id: str, *, only_own: bool) -> Update:
    """The guarded statement behind ``reactivate``."""
    statement = update(UserAccount).where(*_open_account(user_id)).where(UserAccount.active.is_(False))
    if only_own:
        statement = statement.where(UserAccount.deactivated_by == "self")
    return statement.values(active=True, deactivated_by=None)


def delete(session: Session, user_id: str, *, by: str) -> bool:
    """Take an account's name, password and tokens away, for good; its row stays for what points at it. False: gone."""
    return _changed(session, update_of_deletion(user_id, by))


def update_of_deletion(user_id: str, by: str) -> Update:
    """The guarded statement behind ``delete``."""
    return (
        update(UserAccount)
        .where(*_open_account(user_id))
        .values(
            username=f"(deleted) {user_id}",
            password_hash=UNMATCHED_HASH,
            active=False,
            deactivated_by=by,
            deleted_at=utc_now(),
            token_version=_NEXT_VERSION,
        )
    )


_NEXT_VERSION = UserAccount.token_version + 1


def _open_account(user_id: str) -> tuple[ColumnElement[bool], ...]:
    return UserAccount.id == user_id, *_listed()


def _changed(session: Session, statement: Update) -> bool:
    return session.execute(statement, execution_options=_UNSYNCHRONISED).rowcount == 1
