"""API keys: shown once, kept as a hash, revocable. A key acts with its account's role, and manages no account."""

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy.orm import Session

from api.errors import Forbidden
from core.db.models import ApiKey
from core.db.repositories import api_keys, audit, users
from core.errors import Conflict, NotFound

PREFIX = "etalon_"
"""What every key begins with, so that one that was published by mistake is found."""
MOST_KEYS = 20  # of one account
_RANDOM_BYTES = 32
_HINT = len(PREFIX) + 4  # characters


class KeyNotAllowed(Forbidden):
    """An API key manages no account, no password and no keys; sign in with the password for that."""

    code = "account.key_not_allowed"

    def __init__(self) -> None:
        super().__init__("An API key may not do this; sign in with the password.")


class TooManyKeys(Conflict):
    """The account has as many API keys as it may; revoke one."""

    code = "account.too_many_keys"


class UnknownKey(NotFound):
    """The account has no such API key, or not any more."""

    code = "account.key_not_found"


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A key before anybody has seen it."""

    text: str

    @classmethod
    def make(cls) -> "NewSecret":
        """A random one."""
        return cls(PREFIX + secrets.token_urlsafe(_RANDOM_BYTES))

    @property
    def hint(self) -> str:
        """Its beginning, to tell it by."""
        return self.text[:_HINT]


def hash_of(secret: str) -> str:
    """What is kept of a key. It is random and long: nobody finds it by trying, so one fast hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def add(session: Session, account_id: str, *, name: str, secret: NewSecret) -> ApiKey:
    """Give an account a key.

    Raises:
        TooManyKeys: it has 20; roll back.
    """
    users.wait_for_decisions_of(session, account_id)  # holds the account: two requests at once count one another
    if api_keys.count_live(session, account_id) >= MOST_KEYS:
        raise TooManyKeys(f"An account has at most {MOST_KEYS} keys; revoke one.")
    key = api_keys.add(session, account_id=account_id, name=name, hint=secret.hint, secret_sha256=hash_of(secret.text))
    audit.record(session, actor=account_id, action="key.create", subject=f"api_key/{key.id}")
    return key


def revoke(session: Session, account_id: str, key_id: str) -> None:
    """Revoke a key of an account, for good.

    Raises:
        UnknownKey: it has no such key, or not any more.
    """
    if not api_keys.revoke(session, key_id, account_id=account_id):
        raise UnknownKey("There is no such key.")
    audit.record(session, actor=account_id, action="key.revoke", subject=f"api_key/{key_id}")
