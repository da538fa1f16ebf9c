"""What a look at the trends costs in a shop of 85,000 products, on SQLite and on MariaDB.

    python -m bench.trends [--products 85000] [--explain]

Prints the first look of a process, which adds every day up, two later ones, and the longest single question: on SQLite
whoever commits waits for one. With ``--explain`` also how the database finds what each statement asks for.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session

from api.accounts.passwords import Passwords
from api.accounts.service import ensure_account
from api.metrics.instruments import Instruments
from api.serving.engine import ServingEngine
from api.trends.service import TrendsService
from core.db.migrate import migrate
from core.db.session import make_engine, make_readers, make_sessions
from core.domain.roles import Role
from core.settings import DatabaseSettings, LoopSettings
from tests import mariadb
from tests.statements import statement_functions, statements_of
from tests.toys.days import Shop, fill, read_quality

DAYS = 30
LOOKS = ("first", "second", "third")
ROOMS = ("trends.", "loop_status.")


def main() -> int:
    """Measure on both databases; 0."""
    parser = argparse.ArgumentParser(prog="python -m bench.trends", description=__doc__)
    parser.add_argument("--products", type=int, default=85_000)
    parser.add_argument("--explain", action="store_true")
    asked = parser.parse_args()
    for name, engine in databases():
        with make_sessions(engine).begin() as session:
            stock(session, asked.products)
        for look, seconds, longest in looks(engine):
            print(f"{name}: {look} look {seconds:.3f} s, its longest question {longest:.3f} s")
        if asked.explain:
            explain(engine)
        engine.dispose()
    return 0


def databases() -> Iterator[tuple[str, Engine]]:
    """A migrated database without a row, of each kind that there is here."""
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(DatabaseSettings(url=f"sqlite:///{folder}/etalon.db"))
        migrate(engine)
        yield "SQLite", engine
    if mariadb.is_skipped():
        print(mariadb.SKIPPED)
        return
    server = mariadb.Server()
    server.start()
    try:
        yield "MariaDB", server.fresh().engine()
    finally:
        server.stop()


def stock(session: Session, products: int) -> None:
    """Thirty days of products, nearly all of them decided, and the readings of the watch."""
    accounts = [
        ensure_account(session, Passwords(), username=name, password="correct horse battery", role=role)[0]  # noqa: S106
        for name, role in (("seller", Role.CUSTOMER), ("judge", Role.REVIEWER))
    ]
    shop = Shop(accounts[0].id, accounts[1].id, days=DAYS, per_day=products // DAYS)
    read_quality(session, fill(session, shop), days=DAYS)


def looks(engine: Engine) -> Iterator[tuple[str, float, float]]:
    """Which look it was, its seconds, and those of its longest question."""
    readers = make_readers(engine)
    serving = ServingEngine(readers, _never, 60.0)
    trends = TrendsService(readers, serving, Instruments(), LoopSettings(), Path("nowhere"), fresh_s=0.0)
    for look in LOOKS:
        with longest_transaction(engine) as longest:
            started = time.perf_counter()
            trends.read(DAYS)
            seconds = time.perf_counter() - started
        yield look, seconds, max(longest)


def _never(sha: str) -> Any:
    raise AssertionError(f"nothing is served here, and {sha} was asked for")


@contextmanager
def longest_transaction(engine: Engine) -> Iterator[list[float]]:
    """Seconds of every transaction, from its begin to its end."""
    began: list[float] = []
    lasted: list[float] = [0.0]
    listeners: dict[str, Callable[[Any], None]] = {
        "begin": lambda connection: began.append(time.perf_counter()),
        "rollback": lambda connection: lasted.append(time.perf_counter() - began[-1]),
    }
    for name, listener in listeners.items():
        event.listen(engine, name, listener)
    yield lasted
    for name, listener in listeners.items():
        event.remove(engine, name, listener)


def explain(engine: Engine) -> None:
    """Print how each statement of the trends is carried out."""
    how = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    for name, function in statement_functions().items():
        if not name.startswith(ROOMS):
            continue
        statement = next(statements_of(function))
        sql = str(statement.compile(engine, compile_kwargs={"literal_binds": True})).replace(":", r"\:")
        with engine.connect() as connection:
            for step in connection.execute(text(how + sql)):
                print(f"  {name}: {' '.join(str(one) for one in step if one is not None)}")


if __name__ == "__main__":
    raise SystemExit(main())
