"""Where a system keeps its staging database: in its own folder, or on the MySQL server that its first start named.

The choice is kept with the state, so that every later start and every job finds the same database. The address
holds a password and lies in a file that only its owner can read.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from local.state import State

SERVERS = ("mysql+pymysql", "mariadb+pymysql")


class DatabaseChosen(RuntimeError):
    """The state keeps its predictions elsewhere; they would be left behind."""


@dataclass(frozen=True, slots=True)
class DatabaseChoice:
    """What a state remembers of its database."""

    state: State

    @property
    def url_file(self) -> Path:
        """The server's address with the password; absent for SQLite."""
        return self.state.secrets / "database-url"

    @property
    def _options_file(self) -> Path:
        return self.state.run / "database.json"

    def make(self, base: Mapping[str, str]) -> None:
        """Take the server in ``DB_URL`` and what else ``DB_…`` says of it; anything but a server's address is ignored.

        Raises:
            DatabaseChosen: this state began on another database.
        """
        url = base.get("DB_URL", "")
        if urlsplit(url).scheme not in SERVERS:
            return
        if self.state.database.exists() or (self.url_file.exists() and _place(self._url()) != _place(url)):
            kept = self.state.database if self.state.database.exists() else _place(self._url())
            raise DatabaseChosen(
                f"{self.state.root} keeps its predictions in {kept}, not at {_place(url)}. "
                "Take another STATE=folder, or move them: make backup, then make restore"
            )
        options = {name: value for name, value in base.items() if name.startswith("DB_") and name != "DB_URL"}
        self._options_file.write_text(json.dumps(options), encoding="utf-8")
        with os.fdopen(os.open(self.url_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(url)

    def environment(self) -> dict[str, str]:
        """The settings of every process."""
        if not self.url_file.exists():
            return {"DB_URL": f"sqlite:///{self.state.database}"}
        return json.loads(self._options_file.read_text(encoding="utf-8")) | {"DB_URL_FILE": str(self.url_file)}

    def _url(self) -> str:
        return self.url_file.read_text(encoding="utf-8")


def _place(url: str) -> str:
    """Server and database, without who signs in."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 3306}{parts.path}"
