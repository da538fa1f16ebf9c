"""The schema that migrations build is the schema that the models describe."""

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
from sqlalchemy import Engine, inspect

from core.db.migrate import migrate, newest_revision
from core.db.models import Base
from core.db.session import make_engine
from core.settings import DatabaseSettings


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = make_engine(DatabaseSettings(url=f"sqlite:///{tmp_path / 'etalon.db'}"))
    yield engine
    engine.dispose()


def test_migrations_and_models_describe_the_same_schema(engine: Engine) -> None:
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    first, second = migrate(engine), migrate(engine)
    assert (first.before, first.after) == (None, newest_revision())
    assert (second.before, second.after) == (newest_revision(), newest_revision())


def test_two_processes_may_migrate_at_once(engine: Engine) -> None:
    done: list[str | None] = []
    threads = [threading.Thread(target=lambda: done.append(migrate(engine).after)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [newest_revision()] * 3


def test_a_failing_migration_leaves_the_database_empty(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr("core.db.migrate.inspect", fail)
    with pytest.raises(RuntimeError, match="power cut"):
        migrate(engine)
    assert inspect(engine).get_table_names() == []


def test_the_command_ends_with_a_line_of_json(tmp_path: Path) -> None:
    path = tmp_path / "new" / "etalon.db"
    environment = {**os.environ, "DB_URL": f"sqlite:///{path}"}
    done = subprocess.run(
        [sys.executable, "-m", "core.db", "migrate"], env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout.splitlines()[-1])["after"] == newest_revision()
    assert path.exists()
