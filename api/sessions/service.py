"""Sessions of browsers: begun with a password, kept as a hash, ended by silence, by age, or by whoever signs out."""

import hashlib
import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from api.accounts.service import Account, AccountService
from api.accounts.sweeper import Sweeper
from api.errors import Unauthenticated
from core.db.repositories import web_sessions
from core.db.session import transact
from core.domain.roles import Role
from core.errors import NotFound
from core.settings import AuthSettings

_log = logging.getLogger(__name__)
_RANDOM_BYTES = 32
_WRITE_USE_EVERY_S = 60.0


class SessionOver(Unauthenticated):
    """The session in the cookie is over, or there never was one; sign in again."""

    code = "session.over"

    def __init__(self) -> None:
        super().__init__("The session is over; sign in again.")


class NoSession(NotFound):
    """The caller came with a token or an API key, not with a session."""

    code = "session.not_found"

    def __init__(self) -> None:
        super().__init__("There is no session: this request came with a token or an API key.")


@dataclass(frozen=True, slots=True)
class Signed:
    """A session that holds: whose it is, and for how many more seconds if nothing is asked meanwhile."""

    account: Account
    left_s: float

    def ends_at(self, now: datetime) -> datetime:
        """When it ends, if nothing is asked meanwhile."""
        return now + timedelta(seconds=round(self.left_s))


class SessionService:
    """Begins, recognises and ends sessions.

    Args:
        sessions: sessions of the database that may change it.
        readers: sessions of the database that only look.
        accounts: checks passwords.
        settings: how long a session lasts.
    """

    def __init__(
        self,
        sessions: sessionmaker[Session],
        readers: sessionmaker[Session],
        accounts: AccountService,
        settings: AuthSettings,
    ) -> None:
        self._sessions = sessions
        self._readers = readers
        self._accounts = accounts
        self._idle_s = settings.session_idle_minutes * 60.0
        self._lifetime_s = settings.session_hours * 3600.0
        sweep = partial(web_sessions.sweep, idle_s=self._idle_s, lifetime_s=self._lifetime_s)
        self._sweeper = Sweeper(sessions, sweep, "sessions")

    def begin(self, username: str, password: str, *, address: str) -> tuple[str, Signed]:
        """Begin a session with a name and password; returns its new secret. Only by way of the turnstile.

        Raises:
            Unauthenticated, TooManyAttempts: as for ``AccountService.sign_in``.
        """
        row = self._accounts.prove(username, password, address=address)
        secret = secrets.token_urlsafe(_RANDOM_BYTES)
        add = partial(
            web_sessions.add, secret_sha256=_hash_of(secret), account_id=row.id, token_version=row.token_version
        )
        transact(self._sessions, add)
        self._sweeper.now_and_then()
        account = Account(row.id, row.username, Role(row.role))
        return secret, Signed(account, min(self._idle_s, self._lifetime_s))

    def recognise(self, secret: str) -> Signed:
        """The session with this secret; it is used by this, and so goes on.

        Raises:
            SessionOver: there is none, or it has ended.
        """
        with self._readers() as session:
            holder = web_sessions.holder_of(session, _hash_of(secret))
        if holder is None or holder.idle_s >= self._idle_s or holder.age_s >= self._lifetime_s:
            raise SessionOver
        if holder.idle_s > _WRITE_USE_EVERY_S:
            self._note_use(secret)
        account = Account(holder.account.id, holder.account.username, Role(holder.account.role))
        return Signed(account, min(self._idle_s, self._lifetime_s - holder.age_s))

    def _note_use(self, secret: str) -> None:
        note = partial(web_sessions.note_use, secret_sha256=_hash_of(secret), not_within_s=_WRITE_USE_EVERY_S)
        try:
            with self._sessions.begin() as session:
                note(session)
        except SQLAlchemyError as error:  # no reason to refuse the request
            _log.warning("session.use_not_noted", extra={"error": type(error).__name__})

    def end(self, secret: str) -> None:
        """End the session with this secret, if there is one."""
        transact(self._sessions, partial(web_sessions.end, secret_sha256=_hash_of(secret)))


def _hash_of(secret: str) -> str:
    """What is kept of a secret. It is random and long: nobody finds it by trying, so one fast hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()
