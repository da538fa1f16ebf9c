"""Verbs about accounts. Passwords come from the environment or from files, never from the command line."""

import argparse
import os
from pathlib import Path
from typing import Any

from client.client import EtalonClient
from client.command.credentials import NotSet, account, secret
from client.command.verbs import Verbs

_NEW = "ETALON_NEW_PASSWORD"


def add(verbs: Verbs) -> None:
    """Declare them."""
    verbs.add("register", "open the account ETALON_USER", _register, signed_in=False)
    verbs.add("reactivate", "open your deactivated account again", _reactivate, signed_in=False)
    verbs.add("me", "your account", lambda client, asked: client.me().document)
    verbs.add("rename", "give your account another name", _rename).add_argument("username")
    verbs.add("password", f"set the password in {_NEW}(_FILE)", _password)
    verbs.add("sign-out", "end every token and browser's session of your account", _sign_out)
    verbs.add("deactivate", "close your account until you reactivate it", _deactivate)
    goodbye = verbs.add("delete-me", "delete your account and everything you sent", _delete_me)
    goodbye.add_argument("--sure", action="store_true", required=True)
    verbs.add("keys", "your keys", lambda client, asked: [key.document for key in client.api_keys()])
    made = verbs.add("make-key", "make a key for a shop's server, into a file of yours alone", _make_key)
    made.add_argument("name")
    made.add_argument("path", type=Path)
    verbs.add("revoke-key", "end a key", _revoke_key).add_argument("id")
    _add_of_admins(verbs)


def _add_of_admins(verbs: Verbs) -> None:
    everybody = verbs.add("accounts", "everybody's accounts", _accounts)
    everybody.add_argument("--active", action=argparse.BooleanOptionalAction)
    everybody.add_argument("--role", choices=["customer", "reviewer", "admin"])
    everybody.add_argument("--text", help="a part of the name")
    everybody.add_argument("--limit", type=int, default=50)
    opened = verbs.add("open-account", f"open an account with the password in {_NEW}(_FILE)", _open_account)
    opened.add_argument("username")
    opened.add_argument("--role", choices=["customer", "reviewer", "admin"], default="customer")
    changed = verbs.add("change-account", f"change somebody's role, state, or password ({_NEW})", _change_account)
    changed.add_argument("id")
    changed.add_argument("--role", choices=["customer", "reviewer", "admin"])
    changed.add_argument("--active", action=argparse.BooleanOptionalAction)
    changed.add_argument("--username")
    verbs.add("delete-account", "delete somebody's account and what they sent", _delete_account).add_argument("id")


def _register(client: EtalonClient, asked: argparse.Namespace) -> Any:
    return client.register(*account(os.environ)).document


def _reactivate(client: EtalonClient, asked: argparse.Namespace) -> Any:
    username, password = account(os.environ)
    client.reactivate(username, password)
    return {"username": username, "active": True}


def _rename(client: EtalonClient, asked: argparse.Namespace) -> Any:
    return client.rename(asked.username).document


def _password(client: EtalonClient, asked: argparse.Namespace) -> Any:
    username, old = account(os.environ)
    client.change_password(old, _new_password())
    return {"username": username, "password": "changed"}


def _sign_out(client: EtalonClient, asked: argparse.Namespace) -> Any:
    client.sign_out_everywhere()
    return {"signed_out": True}


def _deactivate(client: EtalonClient, asked: argparse.Namespace) -> Any:
    client.deactivate()
    return {"active": False}


def _delete_me(client: EtalonClient, asked: argparse.Namespace) -> Any:
    return {"deleted": True, "erased": client.delete_me()}


def _make_key(client: EtalonClient, asked: argparse.Namespace) -> Any:
    descriptor = os.open(asked.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # before there is a key to lose
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        try:
            key = client.make_key(asked.name)
        except BaseException:
            asked.path.unlink()
            raise
        file.write(key.secret + "\n")
    return {"id": key.id, "name": key.name, "path": str(asked.path)}


def _revoke_key(client: EtalonClient, asked: argparse.Namespace) -> Any:
    client.revoke_key(asked.id)
    return {"id": asked.id, "revoked": True}


def _accounts(client: EtalonClient, asked: argparse.Namespace) -> Any:
    page = client.accounts(active=asked.active, role=asked.role, text=asked.text, limit=asked.limit)
    counts = {"total": page.total, "active": page.active, "inactive": page.inactive}
    return {**counts, "items": [one.document for one in page.items]}


def _open_account(client: EtalonClient, asked: argparse.Namespace) -> Any:
    return client.open_account(asked.username, _new_password(), role=asked.role).document


def _change_account(client: EtalonClient, asked: argparse.Namespace) -> Any:
    changes = {"role": asked.role, "active": asked.active, "username": asked.username}
    return client.change_account(asked.id, password=secret(os.environ, _NEW), **changes).document


def _delete_account(client: EtalonClient, asked: argparse.Namespace) -> Any:
    return {"id": asked.id, "deleted": True, "erased": client.delete_account(asked.id)}


def _new_password() -> str:
    password = secret(os.environ, _NEW)
    if password is None:
        raise NotSet(f"set {_NEW} or {_NEW}_FILE")
    return password
