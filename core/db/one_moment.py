"""A database as it was at one moment, to be read at leisure."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core.db.session import make_engine, make_snapshots
from core.settings import DatabaseSettings


@contextmanager
def one_moment(engine: Engine, scratch: Path) -> Iterator[Session]:
    """A session whose every question is about the same moment, that of the first.

    MySQL keeps old versions of rows for it. SQLite would keep writers from committing for as long as it is open, so
    there the database is copied, which takes a moment, and the copy is read.

    Args:
        engine: the database.
        scratch: folder for the copy, as private as the database; it is gone at the end.
    """
    if engine.dialect.name != "sqlite":
        with make_snapshots(engine)() as session:
            yield session
        return
    with TemporaryDirectory(dir=scratch, prefix=".moment-") as folder:
        copy = Path(folder) / "copy.db"
        with closing(engine.raw_connection()) as connection:
            connection.cursor().execute("VACUUM INTO ?", (str(copy),))
        still = make_engine(DatabaseSettings(url=f"sqlite:///{copy}"))
        try:
            with make_snapshots(still)() as session:
                yield session
        finally:
            still.dispose()
