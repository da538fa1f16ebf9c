"""Secrets that the service does not start with."""

import secrets

import pytest

from api.accounts.secrets import KnownPassword, WeakKey, require_private_passwords, require_strong_key
from core.settings import DatabaseSettings, LoopSettings


@pytest.mark.parametrize(
    "key",
    [
        b"",
        b"short",
        b"k" * 32,
        b"k" * 64,
        b"abcabcabcabcabcabcabcabcabcabcabcabc",
        b"0123456789abcdef" * 2,
        b"correct horse battery staple! " * 2,
        b"CHANGEME-CHANGEME-0123456789-abcdef",
        b"your-256-bit-secret-goes-right-here-0123",
        b"django-insecure-0123456789abcdefghijklmnopqr",
        b"a-string-secret-at-least-256-bits-long",
        b"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    ],
)
def test_a_key_that_can_be_guessed_is_refused(key: bytes) -> None:
    with pytest.raises(WeakKey, match=r"secrets\.token_hex"):
        require_strong_key(key)


@pytest.mark.parametrize("make", [secrets.token_hex, secrets.token_urlsafe])
def test_random_keys_are_taken_in_any_spelling(make: object) -> None:
    for _ in range(500):
        require_strong_key(make(32).encode())


@pytest.mark.parametrize(
    "url",
    [
        "mysql+pymysql://etalon:etalon@db.internal/etalon",
        "mysql+pymysql://etalon:Changeme@192.0.2.7:3306/etalon",
        "mysql+pymysql://root:root@db/etalon",
        "mysql+pymysql://etalon@db/etalon",
        "mysql+pymysql://etalon:…@db/etalon",
    ],
)
def test_a_known_database_password_is_refused_on_another_machine(url: str) -> None:
    with pytest.raises(KnownPassword, match="DB_URL"):
        require_private_passwords(DatabaseSettings(url=url), LoopSettings())


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///data/var/etalon.db",
        "mysql+pymysql://etalon:etalon@127.0.0.1:3306/etalon",
        "mysql+pymysql://etalon:etalon@localhost/etalon",
        "mysql+pymysql://etalon:etalon@[::1]/etalon",
        "mysql+pymysql://etalon:kD3_0vZs8q@db.internal/etalon",
    ],
)
def test_a_database_on_this_machine_or_with_a_password_of_its_own_is_taken(url: str) -> None:
    require_private_passwords(DatabaseSettings(url=url), LoopSettings())


@pytest.mark.parametrize(("url", "refused"), [("http://127.0.0.1:8080", False), ("http://airflow:8080", True)])
def test_the_orchestrator_s_password_is_looked_at_too(url: str, refused: bool) -> None:
    loop = LoopSettings(airflow_url=url, airflow_password="airflow")
    if not refused:
        require_private_passwords(DatabaseSettings(), loop)
        return
    with pytest.raises(KnownPassword, match="LOOP_AIRFLOW_PASSWORD"):
        require_private_passwords(DatabaseSettings(), loop)
