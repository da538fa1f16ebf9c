"""Accounts for tests, made in the database and signed in over HTTP."""

import secrets
from dataclasses import dataclass

import httpx
import uuid_utils
from argon2 import PasswordHasher
from sqlalchemy.orm import Session, sessionmaker

from core.db.models import UserAccount

ROLES = ("customer", "reviewer", "admin")
PASSWORD = "correct horse battery"
# What a sign-in has to cost is tested where passwords are; the hash names its own cost.
_PASSWORD_HASH = PasswordHasher(1, 8, 1).hash(PASSWORD)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who is signed in. ``headers`` say so; ``role`` and ``id`` are the account's."""

    id: str
    username: str
    role: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class People:
    """Opens accounts.

    Attributes:
        sessions: sessions that may change the service's database.
        http: a client of the service.
    """

    sessions: sessionmaker[Session]
    http: httpx.Client

    def hire(self, role: str) -> Caller:
        """Open an account of its own for whoever asks, and sign in."""
        username, account_id = f"{role}-{secrets.token_hex(6)}", str(uuid_utils.uuid7())
        with self.sessions.begin() as session:
            account = UserAccount(id=account_id, username=username, password_hash=_PASSWORD_HASH, role=role)
            session.add(account)
        return Caller(account_id, username, role, bearer(self.sign_in(username)))

    def sign_in(self, username: str, password: str = PASSWORD) -> str:
        """An access token."""
        answer = self.http.post("/token", data={"username": username, "password": password})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])


def bearer(token: str) -> dict[str, str]:
    """The header that signs in."""
    return {"Authorization": f"Bearer {token}"}


def browser(http: httpx.Client, username: str, password: str = PASSWORD) -> dict[str, str]:
    """The header by which a browser that has signed in is known; the client itself keeps no cookie."""
    answer = http.post("/session", json={"username": username, "password": password})
    assert answer.status_code == 200, answer.text
    http.cookies.clear()
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}
