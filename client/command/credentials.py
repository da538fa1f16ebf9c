"""Who the command asks as. Secrets come from the environment or from files: a command line is read by everybody."""

from collections.abc import Mapping
from pathlib import Path


class NotSet(Exception):
    """The environment does not say who asks."""


def secret(environ: Mapping[str, str], name: str) -> str | None:
    """The value of ``name``, or of the file that ``name`` + ``_FILE`` names; None where neither is set."""
    path = environ.get(f"{name}_FILE")
    value = Path(path).read_text(encoding="utf-8").rstrip("\n") if path else environ.get(name)
    return value or None


def account(environ: Mapping[str, str]) -> tuple[str, str]:
    """The name and the password.

    Raises:
        NotSet: one of them is missing.
    """
    name, password = environ.get("ETALON_USER"), secret(environ, "ETALON_PASSWORD")
    if not name:
        raise NotSet("set ETALON_USER (or ETALON_API_KEY; see --help)")
    if not password:
        raise NotSet("set ETALON_PASSWORD or ETALON_PASSWORD_FILE (see --help)")
    return name, password


def credentials(environ: Mapping[str, str]) -> dict[str, str]:
    """What ``EtalonClient`` signs in with: the key where there is one, else name and password.

    Raises:
        NotSet: there is neither.
    """
    key = secret(environ, "ETALON_API_KEY")
    if key:
        return {"api_key": key}
    username, password = account(environ)
    return {"username": username, "password": password}
