"""A database as it was at one moment, to be read at leisure."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core.db.session import make_engine, make_snapshots
from core.settings import DatabaseSettings
from core.store.durable import aside_folder, sweep


@contextmanager
def one_moment(engine: Engine) -> Iterator[Session]:
    """A session whose every question is about the same moment, that of the first.

    MySQL keeps old versions of rows for it. SQLite would keep writers from committing for as long as it is open, so
    there the database is copied, which takes a moment, and the copy is read. It lies beside the database, for the
    owner's eyes only, and is gone at the end; what a killed process left of one is removed by the next.
    """
    if engine.dialect.name != "sqlite":
        with make_snapshots(engine)() as session:
            yield session
        return
    database = Path(str(engine.url.database)).resolve()
    sweep(database.parent)
    with aside_folder(database) as folder:
        folder.chmod(0o700)
        copy = folder / database.name
        with closing(engine.raw_connection()) as connection:
            connection.cursor().execute("VACUUM INTO ?", (str(copy),))
        still = make_engine(DatabaseSettings(url=f"sqlite:///{copy}"))
        try:
            with make_snapshots(still)() as session:
                yield session
        finally:
            still.dispose()
