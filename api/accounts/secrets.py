"""Secrets that no service may start with: too short, too regular, or printed somewhere for everybody to read."""

import ipaddress

from sqlalchemy import make_url

from core.settings import DatabaseSettings, LoopSettings

SHORTEST_KEY = 32  # bytes, the length of an HS256 signature
_FEWEST_BYTES = 10  # different ones; 32 random bytes in any spelling have more
# Parts of the values that documentation, tutorials and examples show; nothing random holds one of them.
_EXAMPLES = (
    b"changeme",
    b"change-me",
    b"change_me",
    b"example",
    b"secret-key",
    b"secret_key",
    b"secretkey",
    b"your-",
    b"insecure",
    b"a-string-secret-at-least-256-bits-long",
    b"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
)
# fmt: off
_KNOWN_PASSWORDS = frozenset((
    "etalon", "root", "toor", "admin", "administrator", "user", "guest", "test", "default", "example", "secret",
    "password", "passwd", "changeme", "change-me", "change_me", "letmein", "qwerty", "azerty", "…",
    "mysql", "mariadb", "database", "db", "airflow", "mlflow", "123456", "12345678", "123456789", "1234567890",
))
# fmt: on


class WeakKey(ValueError):
    """A signing key that somebody else may have, or may find."""

    def __init__(self, fault: str = "it is missing") -> None:
        super().__init__(
            f"AUTH_KEY signs access tokens and needs at least {SHORTEST_KEY} random bytes: {fault}. Make one and say "
            "where it is:\n"
            "  python -c 'import secrets; print(secrets.token_hex(32))' > auth.key && chmod 600 auth.key\n"
            "  export AUTH_KEY_FILE=$PWD/auth.key"
        )


class KnownPassword(ValueError):
    """A password that is tried first, on a server that others can reach."""

    def __init__(self, setting: str) -> None:
        super().__init__(
            f"{setting} holds no password, or one that everybody tries first, for a server on another machine. Give "
            "that account a random one: python -c 'import secrets; print(secrets.token_urlsafe(24))'"
        )


def require_strong_key(key: bytes) -> None:
    """Refuse a signing key that can be guessed.

    Raises:
        WeakKey: it is short, made of few different bytes, a repetition, or an example.
    """
    if len(key) < SHORTEST_KEY:
        raise WeakKey(f"it has {len(key)}")
    if len(set(key)) < _FEWEST_BYTES:
        raise WeakKey("it is made of a few bytes only")
    if key in (key + key)[1:-1]:
        raise WeakKey("it repeats itself")
    if any(example in key.lower() for example in _EXAMPLES):
        raise WeakKey("it is an example's")


def require_private_passwords(database: DatabaseSettings, loop: LoopSettings) -> None:
    """Refuse well-known passwords, except on this machine.

    Raises:
        KnownPassword: the database's or the orchestrator's is one.
    """
    url = make_url(database.url.get_secret_value())
    if url.get_backend_name() != "sqlite" and _is_known(url.host, str(url.password or "")):
        raise KnownPassword("DB_URL")
    if loop.airflow_url:
        password = loop.airflow_password.get_secret_value() if loop.airflow_password else ""
        if _is_known(make_url(loop.airflow_url).host, password):
            raise KnownPassword("LOOP_AIRFLOW_PASSWORD")


def _is_known(host: str | None, password: str) -> bool:
    if _is_loopback(host or "localhost"):
        return False
    return not password or password.lower() in _KNOWN_PASSWORDS


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
