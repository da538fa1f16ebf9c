"""The schema that migrations build is the schema that the models describe, on SQLite and on MariaDB."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, event, inspect, text

from core.db.migrate import MigrationBusy, migrate, newest_revision
from core.db.models import Base
from core.db.session import make_engine
from core.db.types import Timestamp
from core.settings import DatabaseSettings
from tests import mariadb


@pytest.fixture
def mariadb_engine(mariadb_server: mariadb.Server) -> Iterator[Engine]:
    """A MariaDB database without a table."""
    database = mariadb_server.empty()
    engine = database.owner()
    yield engine
    engine.dispose()
    mariadb_server.drop(database.name)


def differences(engine: Engine) -> list[object]:
    """Where the schema that migrations built is not the one that the models describe."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))


def test_migrations_and_models_describe_the_same_schema(empty_engine: Engine) -> None:
    migrate(empty_engine)
    assert differences(empty_engine) == []


def test_every_text_of_mariadb_compares_byte_by_byte(mariadb_engine: Engine) -> None:
    migrate(mariadb_engine)
    question = text(
        "SELECT table_name, column_name, collation_name FROM information_schema.columns"
        " WHERE table_schema = DATABASE() AND collation_name IS NOT NULL AND table_name <> 'alembic_version'"
    )
    with mariadb_engine.connect() as connection:
        found = connection.execute(question).all()
    assert found
    assert [row for row in found if row[2] != "utf8mb4_bin"] == []


def test_every_moment_of_mariadb_has_microseconds(mariadb_engine: Engine) -> None:
    migrate(mariadb_engine)
    question = text(
        "SELECT table_name, column_name, datetime_precision FROM information_schema.columns"
        " WHERE table_schema = DATABASE() AND datetime_precision IS NOT NULL"
    )
    with mariadb_engine.connect() as connection:
        found = {(table, column): precision for table, column, precision in connection.execute(question)}
    moments = [(c.table.name, c.name) for t in Base.metadata.sorted_tables for c in t.columns if c.type is Timestamp]
    assert found == dict.fromkeys(moments, 6)


def test_every_table_of_mariadb_has_transactions(mariadb_engine: Engine) -> None:
    migrate(mariadb_engine)
    question = text("SELECT DISTINCT engine FROM information_schema.tables WHERE table_schema = DATABASE()")
    with mariadb_engine.connect() as connection:
        assert connection.scalars(question).all() == ["InnoDB"]


def test_migrating_again_changes_nothing(empty_engine: Engine) -> None:
    first, second = migrate(empty_engine), migrate(empty_engine)
    assert (first.before, first.after) == (None, newest_revision())
    assert (second.before, second.after) == (newest_revision(), newest_revision())


def test_two_processes_may_migrate_at_once(empty_engine: Engine) -> None:
    done: list[str | None] = []
    threads = [threading.Thread(target=lambda: done.append(migrate(empty_engine).after)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [newest_revision()] * 3


class PowerCut(Exception):
    """The connection ends here."""


def test_a_failing_migration_leaves_sqlite_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise PowerCut

    engine = make_engine(DatabaseSettings(url=f"sqlite:///{tmp_path}/etalon.db"))
    monkeypatch.setattr("core.db.migrate.inspect", fail)
    with pytest.raises(PowerCut):
        migrate(engine)
    assert inspect(engine).get_table_names() == []
    engine.dispose()


def cut(engine: Engine, after: int) -> bool:
    """Migrate, and lose the connection in place of the statement number ``after``; False: it was over before."""
    seen = []

    def lose(connection: Connection, cursor: object, statement: str, *rest: object) -> None:
        if not statement.lstrip().upper().startswith(("CREATE", "ALTER", "DROP", "INSERT", "UPDATE")):
            return
        seen.append(statement)
        if len(seen) == after:
            raise PowerCut

    event.listen(engine, "before_cursor_execute", lose)
    try:
        migrate(engine)
    except PowerCut:
        return True
    finally:
        event.remove(engine, "before_cursor_execute", lose)
    return False


def test_a_migration_cut_anywhere_is_finished_by_the_next_one_on_mariadb(mariadb_server: mariadb.Server) -> None:
    for after in range(1, 500):
        database = mariadb_server.empty()
        engine = database.owner()
        was_cut = cut(engine, after)
        assert migrate(engine).after == newest_revision(), after
        assert differences(engine) == [], after
        engine.dispose()
        mariadb_server.drop(database.name)
        if not was_cut:
            break
    assert after > 20


def test_who_waits_too_long_for_another_migration_is_told(
    mariadb_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.db.migrate._LOCK_WAIT_S", 1)
    with mariadb_engine.connect() as other:
        assert other.scalar(text("SELECT GET_LOCK('etalon_migrate', 5)")) == 1
        with pytest.raises(MigrationBusy):
            migrate(mariadb_engine)
    assert inspect(mariadb_engine).get_table_names() == []


def test_the_command_ends_with_a_line_of_json(tmp_path: Path) -> None:
    path = tmp_path / "new" / "etalon.db"
    environment = {**os.environ, "DB_URL": f"sqlite:///{path}"}
    done = subprocess.run(
        [sys.executable, "-m", "core.db", "migrate"], env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout.splitlines()[-1])["after"] == newest_revision()
    assert path.exists()
