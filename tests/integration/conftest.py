"""The databases that everything here runs on: SQLite, the embedded default, and MariaDB, as in production."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from core.db.migrate import migrate
from core.db.session import make_engine
from core.settings import DatabaseSettings

DATABASES = ("sqlite", "mariadb")

# For what no database can change, such as a parser's limits: once is enough.
same_on_any_database = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture(params=DATABASES)
def database_kind(request: pytest.FixtureRequest) -> str:
    """A test that asks for it, through any fixture, runs once on each database."""
    return request.param


@pytest.fixture
def empty_engine(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A database without a table, with the rights to make them."""
    if database_kind == "sqlite":
        engine = make_engine(DatabaseSettings(url=f"sqlite:///{tmp_path}/empty.db"))
        yield engine
        engine.dispose()
        return
    server = request.getfixturevalue("mariadb_server")
    database = server.empty()
    engine = database.owner()
    yield engine
    engine.dispose()
    server.drop(database.name)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database without a row, made once and copied for every test."""
    path = tmp_path_factory.mktemp("migrated") / "etalon.db"
    engine = make_engine(DatabaseSettings(url=f"sqlite:///{path}"))
    migrate(engine)
    engine.dispose()
    return path


@pytest.fixture
def engine(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A migrated database without a row, used with the service's rights."""
    if database_kind == "sqlite":
        shutil.copyfile(request.getfixturevalue("migrated"), tmp_path / "etalon.db")
        engine = make_engine(DatabaseSettings(url=f"sqlite:///{tmp_path}/etalon.db"))
        yield engine
        engine.dispose()
        return
    server = request.getfixturevalue("mariadb_server")
    database = server.fresh()
    engine = database.engine()
    yield engine
    engine.dispose()
    server.drop(database.name)
