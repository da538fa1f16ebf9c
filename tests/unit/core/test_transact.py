"""A transaction is committed in the caller's thread, and run again only when the database broke it up."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from core.db.models import Audit, Base
from core.db.repositories import audit
from core.db.session import make_engine, make_sessions, transact
from core.settings import DatabaseSettings


@pytest.fixture
def sessions(tmp_path: object) -> Iterator[sessionmaker[Session]]:
    engine = make_engine(DatabaseSettings(url=f"sqlite:///{tmp_path}/etalon.db"))
    Base.metadata.create_all(engine)
    yield make_sessions(engine)
    engine.dispose()


def failing(times: int, number: int) -> Callable[[Session], int]:
    """Work that writes a row, then fails ``times`` times as MySQL fails with error ``number``."""
    tries = []

    def work(session: Session) -> int:
        tries.append(1)
        audit.record(session, actor="a", action="b", subject="c")
        session.flush()
        if len(tries) <= times:
            raise OperationalError("UPDATE", {}, Exception(number, "broken up"))
        return len(tries)

    return work


def rows(sessions: sessionmaker[Session]) -> int:
    with sessions() as session:
        return session.query(Audit).count()


@pytest.mark.parametrize("number", [1205, 1213, 1305])
def test_a_deadlock_is_run_once_more_from_the_beginning(sessions: sessionmaker[Session], number: int) -> None:
    assert transact(sessions, failing(1, number)) == 2
    assert rows(sessions) == 1


@pytest.mark.parametrize(("times", "number"), [(2, 1213), (1, 2006)])
def test_anything_else_goes_up_and_leaves_nothing(sessions: sessionmaker[Session], times: int, number: int) -> None:
    with pytest.raises(OperationalError):
        transact(sessions, failing(times, number))
    assert rows(sessions) == 0
