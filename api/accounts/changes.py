"""Changes of accounts, by their owners and by admins, and what keeps an admin there.

Of all active admins somebody always stays. The rows of all of them are locked while one is taken away, so that two
who take one another away come one after the other: the second finds that it is no admin any more, or the last one.
"""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from api.accounts.service import Account, AccountChanged
from api.errors import Forbidden
from core.db.models import UserAccount
from core.db.repositories import api_keys, audit, users, web_sessions
from core.domain.roles import Role
from core.errors import Conflict, NotFound


class UnknownAccount(NotFound):
    """There is no such account, or not any more."""

    code = "account.not_found"

    def __init__(self) -> None:
        super().__init__("There is no such account.")


class LastAdmin(Conflict):
    """This is the last active admin, who can be neither deleted, deactivated nor given another role."""

    code = "account.last_admin"

    def __init__(self) -> None:
        super().__init__("This is the last active admin; appoint another first.")


class OwnRole(Forbidden):
    """Nobody changes their own role, not even an admin."""

    code = "account.own_role"

    def __init__(self) -> None:
        super().__init__("Nobody changes their own role.")


class OwnPassword(Forbidden):
    """One's own password is changed where the old one is asked for."""

    code = "account.own_password"

    def __init__(self) -> None:
        super().__init__("Change your own password at /users/me/password.")


@dataclass(frozen=True, slots=True)
class Change:
    """What an admin wants of an account; None leaves it as it is. ``password_hash`` is of a password they chose."""

    username: str | None = None
    role: Role | None = None
    active: bool | None = None
    password_hash: str | None = None

    def told(self) -> dict[str, str | bool]:
        """What the audit keeps of it: neither names nor passwords."""
        said: dict[str, str | bool] = {}
        if self.role is not None:
            said["role"] = self.role.value
        if self.active is not None:
            said["active"] = self.active
        if self.username is not None:
            said["renamed"] = True
        if self.password_hash is not None:
            said["new_password"] = True
        return said


def open_account(session: Session, *, username: str, password_hash: str, role: Role, by: str | None) -> UserAccount:
    """Make an account; ``by`` is the admin's id, None for somebody who registers.

    Raises:
        NameTaken: another account has the name; roll back.
    """
    row = users.add(session, username=username, password_hash=password_hash, role=role)
    action = "account.create" if by else "account.register"
    detail = {"role": role.value}
    audit.record(session, actor=by or row.id, action=action, subject=f"account/{row.id}", detail=detail)
    return row


def rename(session: Session, account: Account, username: str) -> UserAccount:
    """Give oneself another name.

    Raises:
        NameTaken: another account has it; roll back.
        UnknownAccount: it was deleted at this moment.
    """
    _require(users.set_username(session, account.id, username))
    audit.record(session, actor=account.id, action="account.rename", subject=f"account/{account.id}")
    return _read(session, account.id)


def change(session: Session, user_id: str, wanted: Change, *, by: Account) -> UserAccount:
    """Change an account as an admin.

    Raises:
        UnknownAccount: there is none with this id.
        OwnRole, OwnPassword: it is the admin's own.
        LastAdmin: nobody would be left to administer.
        NameTaken: another account has the name; roll back.
        Forbidden: whoever decides is no admin any more.
    """
    account, admins = _lock(session, user_id)
    _require_admin(admins, by)
    if user_id == by.id and wanted.role not in (None, account.role):
        raise OwnRole
    if user_id == by.id and wanted.password_hash is not None:
        raise OwnPassword
    if wanted.active is False or wanted.role not in (None, Role.ADMIN):
        _require_another_admin(admins, user_id)
    _apply(session, account, wanted, by)
    audit.record(session, actor=by.id, action="account.change", subject=f"account/{user_id}", detail=wanted.told())
    return _read(session, user_id)


def _apply(session: Session, account: UserAccount, wanted: Change, by: Account) -> None:
    if wanted.username is not None:
        users.set_username(session, account.id, wanted.username)
    if wanted.role is not None:
        users.set_role(session, account.id, wanted.role)
        web_sessions.end_all(session, account.id)  # their pages show what another role may do
    if wanted.password_hash is not None:
        users.set_password(session, account.id, wanted.password_hash)
    if wanted.active:
        users.reactivate(session, account.id, only_own=False)
    elif wanted.active is False:
        users.deactivate(session, account.id, by=_in_whose_name(account.id, by))


def deactivate(session: Session, account: Account) -> None:
    """Close one's own account until one opens it again.

    Raises:
        LastAdmin: nobody would be left to administer.
        AccountChanged: another request was faster.
    """
    _, admins = _lock(session, account.id)
    _require_another_admin(admins, account.id)
    if not users.deactivate(session, account.id, by="self"):
        raise AccountChanged
    audit.record(session, actor=account.id, action="account.deactivate", subject=f"account/{account.id}")


def sign_out_everywhere(session: Session, account: Account) -> None:
    """Revoke every token and end every session of an account; its API keys stay.

    Raises:
        UnknownAccount: it is gone.
    """
    _require(users.revoke_tokens(session, account.id))
    web_sessions.end_all(session, account.id)
    audit.record(session, actor=account.id, action="account.sign_out", subject=f"account/{account.id}")


def delete(session: Session, user_id: str, *, by: Account) -> None:
    """Take an account's name, password, tokens and keys away; its products are erased afterwards.

    Raises:
        UnknownAccount: there is none with this id.
        LastAdmin: nobody would be left to administer.
        Forbidden: whoever decides about another's account is no admin any more.
    """
    _, admins = _lock(session, user_id)
    if user_id != by.id:
        _require_admin(admins, by)
    _require_another_admin(admins, user_id)
    _require(users.delete(session, user_id, by=_in_whose_name(user_id, by)))
    web_sessions.end_all(session, user_id)
    revoked = api_keys.revoke_all(session, user_id)
    detail = {"keys_revoked": revoked}
    audit.record(session, actor=by.id, action="account.delete", subject=f"account/{user_id}", detail=detail)


def _lock(session: Session, user_id: str) -> tuple[UserAccount, frozenset[str]]:
    """The account and the ids of all active admins, whom nobody else takes away until the transaction ends."""
    account, admins = users.lock_with_admins(session, user_id)
    if account is None:
        raise UnknownAccount
    return account, admins


def _require_admin(admins: frozenset[str], by: Account) -> None:
    """Whoever was an admin when they were recognised may be none by now."""
    if by.id not in admins:
        raise Forbidden("This takes the role admin.")


def _require(there: bool) -> None:
    if not there:
        raise UnknownAccount


def _require_another_admin(admins: frozenset[str], user_id: str) -> None:
    if admins == {user_id}:
        raise LastAdmin


def _in_whose_name(user_id: str, by: Account) -> str:
    return "self" if user_id == by.id else "admin"


def _read(session: Session, user_id: str) -> UserAccount:
    row = session.get(UserAccount, user_id, populate_existing=True)
    if row is None:
        raise UnknownAccount
    return row
