"""Engines and sessions. Services and repositories never commit: the edge that opened a transaction ends it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from core.durable import make_folder
from core.settings import DatabaseSettings

_Result = TypeVar("_Result")
_READ_ONLY = "etalon_read_only"
# Lock wait timeout; deadlock; and no such savepoint: a deadlock takes the savepoints of its transaction with it,
# and going back to one of them is the error that arrives.
_MYSQL_TRY_AGAIN = (1205, 1213, 1305)
# What a server is set to differs from house to house; what our statements mean may not.
_MYSQL_SESSION = (
    "SET SESSION innodb_lock_wait_timeout = {lock_timeout_s}, time_zone = '+00:00', "
    "sql_mode = 'STRICT_ALL_TABLES,STRICT_TRANS_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'"
)


def make_engine(settings: DatabaseSettings, *, patient: bool = False) -> Engine:
    """An engine for SQLite, MySQL 8 or MariaDB.

    A MySQL server that accepts connections and does not answer is given up after ``answer_timeout_s``: the
    caller gets an error instead of hanging with it. Whether a commit that was given up happened is not known.

    SQLite runs with a rollback journal and ``synchronous=EXTRA``: a commit survives power loss, and the
    write-ahead log of versions before 3.51.3 may corrupt under concurrent checkpoints. Transactions begin
    IMMEDIATE, so a writer waits at its start instead of failing at its end.

    Args:
        settings: where the database is.
        patient: a MySQL server may work on one statement for as long as it takes; for changes of the schema.
    """
    url = make_url(settings.url.get_secret_value())
    if url.get_backend_name() != "sqlite":
        return _make_mysql_engine(url, settings, patient=patient)
    if url.database and url.database != ":memory:":
        make_folder(Path(url.database).parent)
    engine = create_engine(
        url,
        pool_size=settings.pool_size,
        connect_args={"timeout": settings.lock_timeout_s, "check_same_thread": False},
    )
    _prepare_sqlite(engine)
    return engine


def _make_mysql_engine(url: URL, settings: DatabaseSettings, *, patient: bool) -> Engine:
    answer_timeout_s = None if patient else settings.answer_timeout_s
    verified = {"ssl_ca": str(settings.tls_ca), "ssl_verify_cert": True, "ssl_verify_identity": True}
    return create_engine(
        url,
        pool_size=settings.pool_size,
        pool_timeout=settings.lock_timeout_s,
        pool_pre_ping=True,
        pool_recycle=1800,
        isolation_level="READ COMMITTED",
        connect_args={
            "charset": "utf8mb4",
            "connect_timeout": settings.lock_timeout_s,
            "read_timeout": answer_timeout_s,
            "write_timeout": answer_timeout_s,
            "init_command": _MYSQL_SESSION.format(lock_timeout_s=settings.lock_timeout_s),
            **(verified if settings.tls_ca else {}),
        },
    )


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


def make_snapshots(engine: Engine) -> sessionmaker[Session]:
    """Readers that see one moment for as long as their transaction lasts, however many questions they ask."""
    options: dict[str, Any] = {_READ_ONLY: True}
    if engine.dialect.name != "sqlite":  # there every transaction is one
        options["isolation_level"] = "REPEATABLE READ"
    return sessionmaker(engine.execution_options(**options), expire_on_commit=False)


def transact(sessions: sessionmaker[Session], work: Callable[[Session], _Result]) -> _Result:
    """Run ``work`` in a transaction and commit it, all in the calling thread.

    A transaction that the database gave up to end a deadlock, or that waited too long for a row, is run once
    more from its beginning: ``work`` does nothing but talk to the session.

    Returns:
        What ``work`` returned; rows stay readable.

    Raises:
        sqlalchemy.exc.OperationalError: the database is gone, locked, or refused twice. Nothing was committed,
            unless the connection was lost while committing: then nobody knows, and the caller has to look.
    """
    try:
        with sessions.begin() as session:
            return work(session)
    except OperationalError as error:
        if not _may_retry(error):
            raise
    with sessions.begin() as session:
        return work(session)


def _may_retry(error: OperationalError) -> bool:
    """Whether MySQL or MariaDB broke the transaction up, or cut its waiting for a lock short."""
    arguments = getattr(error.orig, "args", ())
    return bool(arguments) and arguments[0] in _MYSQL_TRY_AGAIN
