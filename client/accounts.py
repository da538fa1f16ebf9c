"""One's own account and its keys, and everybody's for admins, as methods."""

from http import HTTPStatus
from typing import Any, Literal

import httpx

from client.answers import Account, AccountPage, Key, NewKey
from client.asking import Asking, said
from client.session import PasswordToken

Role = Literal["customer", "reviewer", "admin"]


class Accounts(Asking):
    """What ``EtalonClient`` offers about accounts. A key may only ask for ``me``."""

    _auth: httpx.Auth | None

    def register(self, username: str, password: str) -> Account:
        """Open an account with the role customer; open to anyone."""
        return Account.from_json(self._open("/users", {"username": username, "password": password}))

    def reactivate(self, username: str, password: str) -> None:
        """Open an account again that its owner deactivated; open to anyone."""
        body = {"username": username, "password": password}
        self._session.send("POST", "/users/reactivate", repeatable=True, json=body)

    def me(self) -> Account:
        """One's own account."""
        return Account.from_json(self._ask("GET", "/users/me"))

    def rename(self, username: str) -> Account:
        """Give one's own account another name."""
        account = Account.from_json(self._ask("PATCH", "/users/me", json={"username": username}))
        self._sign_in_with(username=account.username)
        return account

    def change_password(self, old: str, new: str) -> None:
        """Set another password. Every token given out before ends; this client signs in again with the new one."""
        body = {"old_password": old, "new_password": new}
        self._session.send("POST", "/users/me/password", repeatable=False, json=body)
        self._sign_in_with(password=new)

    def sign_out_everywhere(self) -> None:
        """End every token and every browser's session of one's account; its keys stay. This client signs in again."""
        self._session.send("DELETE", "/users/me/sessions", repeatable=True)

    def deactivate(self) -> None:
        """Close one's own account until ``reactivate``; nothing is deleted."""
        self._session.send("POST", "/users/me/deactivate", repeatable=False)

    def delete_me(self) -> bool:
        """Delete one's own account with everything that was sent under it.

        Returns:
            True when nothing of it is left; False when the rest is being erased.
        """
        return self._delete("/users/me", repeatable=False)

    def api_keys(self) -> tuple[Key, ...]:
        """The account's keys."""
        return tuple(Key.from_json(item) for item in self._ask("GET", "/users/me/keys")["items"])

    def make_key(self, name: str) -> NewKey:
        """Make a key for a shop's server. Sent again after a lost connection it could make two: it is sent once."""
        return NewKey.from_json(self._open("/users/me/keys", {"name": name}))

    def revoke_key(self, key_id: str) -> None:
        """End a key."""
        self._session.send("DELETE", f"/users/me/keys/{key_id}", repeatable=True)

    def accounts(
        self,
        *,
        active: bool | None = None,
        role: Role | None = None,
        text: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> AccountPage:
        """A page of everybody's accounts, and how many there are (admins); ``text`` is a part of the name."""
        query = said({"active": active, "role": role, "text": text, "limit": limit, "cursor": cursor})
        return AccountPage.from_json(self._ask("GET", "/admin/users", params=query))

    def open_account(self, username: str, password: str, *, role: Role = "customer") -> Account:
        """Open an account of any role (admins)."""
        return Account.from_json(self._open("/admin/users", {"username": username, "password": password, "role": role}))

    def change_account(
        self,
        account_id: str,
        *,
        role: Role | None = None,
        active: bool | None = None,
        username: str | None = None,
        password: str | None = None,
    ) -> Account:
        """Change somebody's role, state, name or password (admins)."""
        body = said({"role": role, "active": active, "username": username, "password": password})
        return Account.from_json(self._ask("PATCH", f"/admin/users/{account_id}", json=body))

    def delete_account(self, account_id: str) -> bool:
        """Delete somebody's account with everything that was sent under it (admins); returns as ``delete_me``."""
        return self._delete(f"/admin/users/{account_id}", repeatable=True)

    def _delete(self, path: str, *, repeatable: bool) -> bool:
        return self._session.send("DELETE", path, repeatable=repeatable).status_code == HTTPStatus.NO_CONTENT

    def _open(self, path: str, body: dict[str, Any]) -> Any:
        return self._ask("POST", path, repeatable=False, json=body)

    def _sign_in_with(self, **known: str) -> None:
        if isinstance(self._auth, PasswordToken):
            self._auth.replace(**known)
