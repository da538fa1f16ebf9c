"""Engines and sessions. Services and repositories never commit: the edge that opened a transaction ends it."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, literal, make_url, select
from sqlalchemy.orm import Session, sessionmaker

from core.settings import DatabaseSettings

_READ_ONLY = "etalon_read_only"


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
    def _begin(connection: Connection) -> None:
        only_reads = connection.get_execution_options().get(_READ_ONLY, False)
        connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")


def make_sessions(engine: Engine) -> sessionmaker[Session]:
    """Sessions whose objects stay readable after the commit."""
    return sessionmaker(engine, expire_on_commit=False)


def make_readers(engine: Engine) -> sessionmaker[Session]:
    """Sessions that only look: on SQLite they take no write lock, so they wait for no writer but a committing one."""
    return sessionmaker(engine.execution_options(**{_READ_ONLY: True}), expire_on_commit=False)


def ping(session: Session) -> None:
    """Ask the database for a 1.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: it does not answer.
    """
    session.execute(select(literal(1)))
