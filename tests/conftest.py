"""What every tier shares: real products, a private MariaDB, and a process free of the developer's own settings."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests import mariadb, remote_server

# What an example takes depends on what else the machine does.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

ROOT = Path(__file__).resolve().parent.parent
REAL_PRODUCTS = ROOT.parent / "shared" / "data" / "fashion"
SETTINGS_PREFIXES = ("DB_", "STORE_", "SERVING_", "MODEL_", "TRAIN_", "AUTH_", "DRIVE_", "GATE_", "LOOP_")


@pytest.fixture(autouse=True)
def _no_settings_leak_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in os.environ:
        if variable.startswith(SETTINGS_PREFIXES):
            monkeypatch.delenv(variable)


@pytest.fixture(autouse=True)
def _logs_go_where_they_went() -> Iterator[None]:
    """A command that runs in this process sends its logs to the test's own standard error, which closes with it."""
    before = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:], logging.root.level = before


@pytest.fixture(scope="session")
def real_products() -> Path:
    """A folder of real products in the challenge's layout."""
    if not REAL_PRODUCTS.is_dir():
        pytest.skip(f"real products are not here: {REAL_PRODUCTS} does not exist (the challenge's file layout)")
    return REAL_PRODUCTS


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[mariadb.Server]:
    """A MariaDB server of this run's own, started by the first test that asks; or the one of ``TEST_DATABASE_URL``."""
    with remote_server.opened() as remote:
        if remote is not None:
            yield remote
            return
    if mariadb.is_skipped():
        pytest.skip(mariadb.SKIPPED)
    if mariadb.program() is None:
        pytest.fail(mariadb.ADVICE)
    server = mariadb.Server()
    yield server
    server.stop()
