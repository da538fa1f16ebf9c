"""Signing in, recognising a caller, changing one's password, and creating accounts."""

import logging
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NoReturn

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from api.accounts import keys
from api.accounts.names import is_username, require_username
from api.accounts.passwords import Passwords
from api.accounts.rates import Rates
from api.accounts.strength import require_strong
from api.accounts.throttle import Passed, Throttle, Way
from api.accounts.tokens import Tokens
from api.accounts.turnstile import Turnstile
from api.errors import Forbidden, Unauthenticated
from core.db.models import UserAccount
from core.db.repositories import api_keys, audit, users
from core.db.session import transact
from core.domain.roles import Role
from core.errors import Conflict
from core.settings import AuthSettings

_log = logging.getLogger(__name__)
_WRITE_USE_EVERY_S = 60.0


class WrongPassword(Forbidden):
    """The old password is wrong."""

    code = "account.wrong_password"


class AccountChanged(Conflict):
    """The account was changed at this moment by another request; look at it again."""

    code = "account.changed_meanwhile"

    def __init__(self) -> None:
        super().__init__("The account was changed at this moment by another request.")


@dataclass(frozen=True, slots=True)
class Account:
    """Who is calling. The role is the database's, never the token's; ``key_id`` names the API key, None for a token."""

    id: str
    username: str
    role: Role
    key_id: str | None = None


class AccountService:
    """Recognises people. No transaction of it is open while a password is hashed.

    Attributes:
        turnstile: runs everything here that hashes a password, and nothing else.
        passwords: hashes them.
        throttle: slows down whoever guesses.
    """

    def __init__(
        self,
        sessions: sessionmaker[Session],
        readers: sessionmaker[Session],
        settings: AuthSettings,
    ) -> None:
        self._sessions = sessions
        self._readers = readers
        self._tokens = Tokens(settings)
        self._rates = Rates(settings.requests_per_minute)
        self.passwords = Passwords()
        self.throttle = Throttle(sessions, settings)
        self.turnstile = Turnstile()

    @property
    def token_lifetime_s(self) -> int:
        """Seconds a token given out now is valid."""
        return int(self._tokens.lifetime.total_seconds())

    # --- callers ------------------------------------------------------------------------------------------------

    def recognise(self, secret: str) -> Account:
        """The account that a token or an API key belongs to.

        Raises:
            Unauthenticated: it is not valid, was revoked, or its account is gone or deactivated.
        """
        if secret.startswith(keys.PREFIX):
            return self._recognise_key(secret)
        claims = self._tokens.read(secret)
        with self._readers() as session:
            row = users.by_id(session, claims.account_id)
        if row is None or not row.active or row.token_version != claims.token_version:
            raise Unauthenticated("The access token is not valid; sign in again.")
        return Account(row.id, row.username, Role(row.role))

    def _recognise_key(self, secret: str) -> Account:
        with self._readers() as session:
            holder = api_keys.holder_of(session, keys.hash_of(secret))
        if holder is None or not holder.account.active:
            raise Unauthenticated("The API key is not valid.")
        if holder.used_s_ago is None or holder.used_s_ago > _WRITE_USE_EVERY_S:
            self._note_use(holder.key_id)
        return Account(holder.account.id, holder.account.username, Role(holder.account.role), holder.key_id)

    def _note_use(self, key_id: str) -> None:
        note = partial(api_keys.note_use, key_id=key_id, not_within_s=_WRITE_USE_EVERY_S)
        try:
            with self._sessions.begin() as session:
                note(session)
        except SQLAlchemyError as error:  # no reason to refuse the request
            _log.warning("account.key_use_not_noted", extra={"error": type(error).__name__})

    def admit(self, account: Account) -> None:
        """Count a request.

        Raises:
            TooManyRequests: this account, or this key of it, asks too often.
        """
        self._rates.take(account.key_id or account.id)

    # --- passwords: only by way of the turnstile ----------------------------------------------------------------

    def sign_in(self, username: str, password: str, *, address: str, now: datetime) -> str:
        """An access token for a name and password.

        Raises:
            Unauthenticated: unknown name, wrong password or deactivated account; which one is not said, and all cost
                the same.
            TooManyAttempts: too many of these lately.
        """
        row = self.prove(username, password, address=address)
        return self._tokens.issue(row.id, row.token_version, now)

    def prove(self, username: str, password: str, *, address: str) -> UserAccount:
        """The account whose name and password these are.

        Raises:
            Unauthenticated, TooManyAttempts: as for ``sign_in``.
        """
        row, way, passed = self._check(username, password, address)
        if row is None or not row.active:
            self._refuse(way)
        self.throttle.count_success(way, passed)
        return row

    def reactivate(self, username: str, password: str, *, address: str, now: datetime) -> str:
        """Open an account again that its owner has deactivated, and sign in; an active one is only signed in to.

        Raises:
            Unauthenticated: as for ``sign_in``; also for an account that an admin has deactivated.
            TooManyAttempts: as for ``sign_in``.
        """
        row, way, passed = self._check(username, password, address)
        if row is None or not (row.active or self._reopen(row)):
            self._refuse(way)
        self.throttle.count_success(way, passed)
        return self._tokens.issue(row.id, row.token_version, now)

    def change_password(self, account: Account, old: str, new: str, *, address: str, now: datetime) -> str:
        """Replace a password, which revokes every token; returns a new one.

        Raises:
            WrongPassword: ``old`` is wrong.
            WeakPassword: ``new`` is too easy to guess.
            TooManyAttempts: wrong ones were tried too often.
            AccountChanged: another request was faster.
        """
        require_strong(new, account.username)
        row, way, passed = self._check(account.username, old, address)
        if row is None or row.id != account.id:  # the name may have changed hands since the caller was recognised
            self.throttle.count_failure(way)
            raise WrongPassword("The old password is wrong.")
        hashed = self.passwords.hash(new)

        def change(session: Session) -> None:
            if not users.set_password(session, row.id, hashed, token_version=row.token_version):
                raise AccountChanged
            audit.record(session, actor=row.id, action="account.password", subject=f"account/{row.id}")

        transact(self._sessions, change)
        self.throttle.count_success(way, passed)
        return self._tokens.issue(row.id, row.token_version + 1, now)

    def _check(self, username: str, password: str, address: str) -> tuple[UserAccount | None, Way, Passed]:
        """The account whose name and password these are, or None; nothing is counted yet."""
        name = username.lower()
        way = Way.of(name, address)
        with self._readers() as session:
            passed = self.throttle.pass_through(session, way)
            row = users.by_username(session, name) if is_username(name) else None
        known = self.passwords.matches(password, row.password_hash if row else None)
        return (row if known else None), way, passed

    def _refuse(self, way: Way) -> NoReturn:
        self.throttle.count_failure(way)
        raise Unauthenticated("The username or the password is wrong.")

    def _reopen(self, row: UserAccount) -> bool:
        def reopen(session: Session) -> bool:
            done = users.reactivate(session, row.id, only_own=True)
            if done:
                audit.record(session, actor=row.id, action="account.reactivate", subject=f"account/{row.id}")
            return done

        return transact(self._sessions, reopen)


def ensure_account(
    session: Session, passwords: Passwords, *, username: str, password: str, role: Role
) -> tuple[Account, bool]:
    """Make sure that an account with this name, password and role exists.

    Returns:
        The account, and whether anything changed. Changing password or role revokes its tokens.

    Raises:
        BadUsername: not 1 to 64 of ``a-z 0-9 . _ @ + -``, starting with a letter or a digit.
        WeakPassword: see ``require_strong``.
        NameTaken: somebody else made it at this moment.
    """
    require_username(username)
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
