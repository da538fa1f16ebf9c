"""Keys and passwords, generated at the first start into files that only their owner can read."""

import base64
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROLES = ("customer", "reviewer", "admin")  # one account of that name each
CANARY, CANARY_REVIEWER = "canary", "canary-reviewer"  # the service check signs in as these
ACCOUNTS = dict(zip(ROLES, ROLES, strict=True)) | {CANARY: "customer", CANARY_REVIEWER: "reviewer"}  # name to role
AIRFLOW_ADMIN = "admin"
AIRFLOW_WAKER = "etalon"  # the API posts asset events as this account


@dataclass(frozen=True, slots=True)
class Secrets:
    """Files of one state; their contents never stand in an environment or on a command line."""

    folder: Path

    @property
    def auth_key(self) -> Path:
        """Signs the API's tokens."""
        return self.folder / "auth.key"

    @property
    def airflow_passwords(self) -> Path:
        """Airflow's accounts as JSON, in the form its SimpleAuthManager reads."""
        return self.folder / "airflow-passwords.json"

    @property
    def airflow_waker(self) -> Path:
        """Password of the account with which the API wakes Airflow."""
        return self.folder / "airflow-etalon.password"

    def airflow_key(self, name: str) -> Path:
        """One of Airflow's own keys: ``jwt``, ``api`` or ``fernet``."""
        return self.folder / f"airflow-{name}.key"

    def password(self, username: str) -> str:
        """Password of an API account."""
        return self.password_file(username).read_text(encoding="utf-8")

    def airflow_password(self, username: str) -> str:
        """Password of an Airflow account."""
        return str(json.loads(self.airflow_passwords.read_text(encoding="utf-8"))[username])

    def password_file(self, username: str) -> Path:
        """Holds the password of an API account."""
        return self.folder / f"{username}.password"

    def generate(self) -> bool:
        """Write what is missing; files that exist stay. True if this was the first time."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        first = _write_once(self.auth_key, lambda: secrets.token_urlsafe(48))
        for username in ACCOUNTS:
            _write_once(self.password_file(username), lambda: secrets.token_urlsafe(18))
        for name in ("jwt", "api"):
            _write_once(self.airflow_key(name), lambda: secrets.token_urlsafe(48))
        _write_once(self.airflow_key("fernet"), lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
        _write_once(self.airflow_waker, lambda: secrets.token_urlsafe(18))
        accounts = {
            AIRFLOW_ADMIN: secrets.token_urlsafe(18),
            AIRFLOW_WAKER: self.airflow_waker.read_text(encoding="utf-8"),
        }
        _write_once(self.airflow_passwords, lambda: json.dumps(accounts))
        return first


def _write_once(path: Path, make: Callable[[], str]) -> bool:
    """Write ``make()`` into a new file of mode 0600, whole or not at all; False if the file is already there."""
    if path.exists():
        return False
    draft = path.with_suffix(path.suffix + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(make())
    draft.rename(path)
    return True
