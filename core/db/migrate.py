"""Bringing a database to the newest schema."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, func, inspect, select

_log = logging.getLogger(__name__)
_LOCK_NAME = "etalon_migrate"
_LOCK_WAIT_S = 60
_LOCK_QUESTION_S = 1  # one question to the server is short: it may not look as if it hung


@dataclass(frozen=True, slots=True)
class Migration:
    """What one run did: the revisions before (None: an empty database) and after, and the tables there now."""

    before: str | None
    after: str | None
    tables: int


class MigrationBusy(RuntimeError):
    """Another process has been migrating this database for longer than we wait."""


def migrate(engine: Engine) -> Migration:
    """Upgrade to the newest revision; running it again, or twice at once, changes nothing more.

    Raises:
        MigrationBusy: another process holds the migration lock for over a minute (MySQL, MariaDB).
        sqlalchemy.exc.SQLAlchemyError: the database refused. On SQLite nothing has changed then; on MySQL some
            of the schema may have, and running it again goes on from there.
    """
    config = _config()
    with engine.connect() as connection, _alone(connection), connection.begin():
        config.attributes["connection"] = connection
        before = revision_of(connection)
        _log.info("schema.upgrading", extra={"revision": before, "newest": newest_revision()})
        command.upgrade(config, "head")
        done = Migration(before, revision_of(connection), len(inspect(connection).get_table_names()))
    _log.info("schema.upgraded", extra={"revision": done.after})
    return done


def newest_revision() -> str | None:
    """The revision that the code expects."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def revision_of(connection: Connection) -> str | None:
    """The revision that a database is at, None for one without our schema."""
    return MigrationContext.configure(connection).get_current_revision()


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """SQLite's transaction already excludes others. MySQL commits at every DDL, so a named lock has to.

    It is held around the transaction: who comes next reads the revision that was committed.
    """
    if connection.dialect.name == "sqlite":
        yield
        return
    question = select(func.get_lock(_LOCK_NAME, _LOCK_QUESTION_S))
    if not any(connection.scalar(question) == 1 for _ in range(_LOCK_WAIT_S)):
        raise MigrationBusy(f"another process holds the lock {_LOCK_NAME!r}")
    connection.commit()  # the lock belongs to the connection, not to the transaction that asked for it
    try:
        yield
    finally:
        connection.scalar(select(func.release_lock(_LOCK_NAME)))
