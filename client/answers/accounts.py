"""Accounts and keys as the service tells them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Account:
    """A person, or a shop, that may sign in. ``role`` is customer, reviewer or admin."""

    id: str
    username: str
    role: str
    active: bool
    document: Mapping[str, Any]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Account":
        """Read an account."""
        return cls(document["id"], document["username"], document["role"], document["active"], document)


@dataclass(frozen=True, slots=True)
class AccountPage:
    """Some accounts, how many there are in all, and the cursor of the next page, None on the last one."""

    items: tuple[Account, ...]
    total: int
    active: int
    inactive: int
    next_cursor: str | None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "AccountPage":
        """Read the answer of ``GET /admin/users``."""
        return cls(
            items=tuple(Account.from_json(item) for item in document["items"]),
            total=document["total"],
            active=document["active"],
            inactive=document["inactive"],
            next_cursor=document["next_cursor"],
        )


@dataclass(frozen=True, slots=True)
class Key:
    """A key that acts for its account; ``hint`` is its beginning, to tell it by. The key itself is never told again."""

    id: str
    name: str
    hint: str
    document: Mapping[str, Any]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Key":
        """Read one of the account's keys."""
        return cls(document["id"], document["name"], document["hint"], document)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made. ``secret`` is shown this once: keep it now."""

    id: str
    name: str
    secret: str

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "NewKey":
        """Read the answer of ``POST /users/me/keys``."""
        return cls(document["id"], document["name"], document["key"])

    def __repr__(self) -> str:
        return f"NewKey(id={self.id!r}, name={self.name!r})"
