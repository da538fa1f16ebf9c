"""Engines and sessions. Services and repositories never commit: the edge that opened a transaction ends it."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.orm import Session, sessionmaker

from core.settings import DatabaseSettings


def make_engine(settings: DatabaseSettings) -> Engine:
    """An engine for SQLite, MySQL 8 or MariaDB.

    SQLite runs with a rollback journal and ``synchronous=EXTRA``: a commit survives power loss, and the
    write-ahead log of versions before 3.51.3 may corrupt under concurrent checkpoints. Transactions begin
    IMMEDIATE, so a writer waits at its start instead of failing at its end.
    """
    url = make_url(settings.url.get_secret_value())
    if url.get_backend_name() != "sqlite":
        return create_engine(
            url,
            pool_size=settings.pool_size,
            pool_pre_ping=True,
            pool_recycle=1800,
            isolation_level="READ COMMITTED",
            connect_args={"charset": "utf8mb4", "connect_timeout": settings.lock_timeout_s},
        )
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        pool_size=settings.pool_size,
        connect_args={"timeout": settings.lock_timeout_s, "check_same_thread": False},
    )
    _prepare_sqlite(engine)
    return engine


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # the driver's own implicit BEGIN would be DEFERRED
        cursor = connection.cursor()
        for pragma in ("journal_mode=DELETE", "synchronous=EXTRA", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin_immediate(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def make_sessions(engine: Engine) -> sessionmaker[Session]:
    """Sessions whose objects stay readable after the commit."""
    return sessionmaker(engine, expire_on_commit=False)
