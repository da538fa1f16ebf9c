"""Tables of who calls: accounts, their keys and sessions, doors at which attempts are counted, names of requests."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import SHA256, UUID, Base
from core.db.types import Timestamp, utc_now


class UserAccount(Base):
    """A person who signs in. ``token_version`` is in every token: raising it revokes them all.

    ``deactivated_by`` (``self`` or ``admin``) says who may reactivate an account that is not active. A deleted
    account stays as a row without a name or a password, because decisions point at it.
    """

    __tablename__ = "user_account"

    id: Mapped[str] = mapped_column(UUID, primary_key=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(16))
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    token_version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=utc_now())
    deactivated_by: Mapped[str | None] = mapped_column(String(8))
    deleted_at: Mapped[datetime | None] = mapped_column(Timestamp)


class ApiKey(Base):
    """A key that signs a shop's server in. Only its hash is kept; ``hint`` is its beginning, to tell it by."""

    __tablename__ = "api_key"

    id: Mapped[str] = mapped_column(UUID, primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"), index=True)
    name: Mapped[str] = mapped_column(String(64))
    hint: Mapped[str] = mapped_column(String(16))
    secret_sha256: Mapped[str] = mapped_column(SHA256, unique=True)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=utc_now())
    last_used_at: Mapped[datetime | None] = mapped_column(Timestamp)
    revoked_at: Mapped[datetime | None] = mapped_column(Timestamp)


class SignInDoor(Base):
    """Failed sign-ins at one door: an account, an address, or both together. ``door`` is a hash of which."""

    __tablename__ = "sign_in_door"

    door: Mapped[str] = mapped_column(SHA256, primary_key=True)
    failures: Mapped[int] = mapped_column(Integer)
    window_ends_at: Mapped[datetime] = mapped_column(Timestamp, index=True)


class WebSession(Base):
    """Somebody signed in with a browser. Only the hash of the cookie's secret is kept.

    It holds while ``token_version`` is its account's: what revokes tokens ends it too. ``last_seen_at`` may be a minute
    behind.
    """

    __tablename__ = "web_session"

    secret_sha256: Mapped[str] = mapped_column(SHA256, primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"), index=True)
    token_version: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=utc_now(), index=True)
    last_seen_at: Mapped[datetime] = mapped_column(Timestamp, default=utc_now(), index=True)


class RequestKey(Base):
    """A caller's name for a request that decides something: sent again, it decides nothing again.

    ``refusal`` is what a refused request was answered with, so that a late copy of it is refused too.
    """

    __tablename__ = "request_key"

    actor_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    request_sha256: Mapped[str] = mapped_column(SHA256)
    refusal: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=utc_now())
