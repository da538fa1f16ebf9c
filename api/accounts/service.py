"""Signing in, recognising a caller, and creating accounts."""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session, sessionmaker

from api.accounts.passwords import Passwords, require_strong
from api.accounts.throttle import Throttle
from api.accounts.tokens import Tokens
from api.errors import Unauthenticated
from core.db.repositories import audit, users
from core.domain.roles import Role
from core.errors import Invalid

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")


class BadUsername(Invalid):
    """A name that accounts do not have."""

    code = "account.bad_username"


@dataclass(frozen=True, slots=True)
class Account:
    """Who is calling. The role is the database's, never the token's."""

    id: str
    username: str
    role: Role


class AccountService:
    """Recognises people. It reads in transactions of its own, so that none is open while a password is hashed."""

    def __init__(
        self, readers: sessionmaker[Session], tokens: Tokens, passwords: Passwords, throttle: Throttle
    ) -> None:
        self._readers = readers
        self._tokens = tokens
        self._passwords = passwords
        self._throttle = throttle

    @property
    def token_lifetime_s(self) -> int:
        """Seconds a token given out now is valid."""
        return int(self._tokens.lifetime.total_seconds())

    def sign_in(self, username: str, password: str, *, address: str, now: datetime) -> str:
        """An access token for a name and password.

        Raises:
            Unauthenticated: unknown name, wrong password or deactivated account; which one is not said.
            TooManyAttempts: too many of these lately from this address for this name.
        """
        name = username.lower()
        self._throttle.check(address, name)
        with self._readers() as session:
            row = users.by_username(session, name) if _USERNAME.fullmatch(name) else None
        known = self._passwords.matches(password, row.password_hash if row else None)
        self._throttle.count(address, name, succeeded=known)
        if row is None or not known or not row.active:
            raise Unauthenticated("The username or the password is wrong.")
        return self._tokens.issue(row.id, row.token_version, now)

    def recognise(self, token: str) -> Account:
        """The account that a token belongs to.

        Raises:
            Unauthenticated: the token is not valid, was revoked, or its account is gone or deactivated.
        """
        claims = self._tokens.read(token)
        with self._readers() as session:
            row = users.by_id(session, claims.account_id)
        if row is None or not row.active or row.token_version != claims.token_version:
            raise Unauthenticated("The access token is not valid; sign in again.")
        return Account(row.id, row.username, Role(row.role))


def ensure_account(
    session: Session, passwords: Passwords, *, username: str, password: str, role: Role
) -> tuple[Account, bool]:
    """Make sure that an account with this name, password and role exists.

    Returns:
        The account, and whether anything changed. Changing password or role revokes its tokens.

    Raises:
        BadUsername: not 1 to 64 of ``a-z 0-9 . _ @ + -``, starting with a letter or a digit.
        WeakPassword: see ``require_strong``.
    """
    if not _USERNAME.fullmatch(username):
        raise BadUsername("a username has 1 to 64 of a-z 0-9 . _ @ + - and starts with a letter or a digit")
    require_strong(password, username)
    row = users.by_username(session, username)
    if row is not None and row.active and row.role == role and passwords.matches(password, row.password_hash):
        return Account(row.id, username, role), False
    hashed = passwords.hash(password)
    if row is None:
        row = users.add(session, username=username, password_hash=hashed, role=role)
        action = "account.create"
    else:
        users.replace_credentials(session, row.id, password_hash=hashed, role=role)
        action = "account.replace"
    audit.record(session, actor="operator", action=action, subject=f"account/{row.id}", detail={"role": role.value})
    return Account(row.id, username, role), True
