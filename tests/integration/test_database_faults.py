"""What a transaction does when MariaDB locks, breaks up, falls silent or dies under it."""

import threading
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, event, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from core.db.models import UserAccount
from core.db.session import make_sessions, transact
from tests import mariadb


@pytest.fixture
def database(mariadb_server: mariadb.Server) -> Iterator[mariadb.Database]:
    """A database with the accounts ``a`` and ``b``, both customers."""
    database = mariadb_server.fresh("two accounts", fill=open_two_accounts)
    yield database
    mariadb_server.drop(database.name)


def open_two_accounts(engine: Engine) -> None:
    with make_sessions(engine).begin() as session:
        for name in ("a", "b"):
            session.add(UserAccount(id=name, username=name, password_hash="x", role="customer"))


@pytest.fixture
def sessions(database: mariadb.Database) -> Iterator[sessionmaker[Session]]:
    """Sessions that wait a second for a lock and two for an answer."""
    engine = database.engine(lock_timeout_s=1, answer_timeout_s=2)
    yield make_sessions(engine)
    engine.dispose()


def promote(session: Session, name: str, role: str = "reviewer") -> None:
    session.execute(update(UserAccount).where(UserAccount.id == name).values(role=role))


def roles(sessions: sessionmaker[Session]) -> dict[str, str]:
    with sessions() as session:
        return {account.id: account.role for account in session.query(UserAccount)}


@pytest.mark.parametrize("in_savepoint", [False, True], ids=["plain", "in a savepoint"])
def test_of_two_that_lock_each_other_out_both_get_through(
    sessions: sessionmaker[Session], *, in_savepoint: bool
) -> None:
    both_hold_one, tries, failed = threading.Barrier(2), [], []

    def cross(first: str, second: str) -> Callable[[Session], None]:
        def work(session: Session) -> None:
            tries.append(first)
            promote(session, first)
            if len(tries) <= 2:
                both_hold_one.wait(30)
            if in_savepoint:
                with session.begin_nested():
                    promote(session, second)
            else:
                promote(session, second)

        return work

    def run(work: Callable[[Session], None]) -> None:
        try:
            transact(sessions, work)
        except OperationalError as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(cross(*pair),)) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(tries) == 3
    assert roles(sessions) == {"a": "reviewer", "b": "reviewer"}


def test_a_lock_that_is_not_given_back_is_waited_for_twice(sessions: sessionmaker[Session]) -> None:
    tries = []

    def work(session: Session) -> None:
        tries.append(1)
        promote(session, "b")
        promote(session, "a")

    with sessions() as other:
        promote(other, "a", "admin")
        with pytest.raises(OperationalError, match="1205"):
            transact(sessions, work)
        other.rollback()
    assert len(tries) == 2
    assert roles(sessions) == {"a": "customer", "b": "customer"}


def test_a_silent_server_ends_in_an_error_and_is_used_again_when_it_speaks(
    sessions: sessionmaker[Session], mariadb_server: mariadb.Server
) -> None:
    roles(sessions)
    mariadb_server.hang()
    try:
        for _ in range(2):  # with a connection of the pool, and with a new one
            with pytest.raises(OperationalError, match="2013"):
                transact(sessions, lambda session: promote(session, "a"))
    finally:
        mariadb_server.resume()
    transact(sessions, lambda session: promote(session, "b"))
    assert roles(sessions) == {"a": "customer", "b": "reviewer"}


def test_a_killed_server_is_used_again_when_it_is_back(
    sessions: sessionmaker[Session], mariadb_server: mariadb.Server
) -> None:
    transact(sessions, lambda session: promote(session, "a"))
    mariadb_server.kill()
    try:
        with pytest.raises(OperationalError, match="2003"):
            transact(sessions, lambda session: promote(session, "b"))
    finally:
        mariadb_server.start()
    assert roles(sessions) == {"a": "reviewer", "b": "customer"}


def test_a_connection_lost_at_commit_is_an_error_and_is_not_run_again(
    sessions: sessionmaker[Session], mariadb_server: mariadb.Server
) -> None:
    tries = []

    def work(session: Session) -> None:
        tries.append(1)
        promote(session, "a")

    def hang(connection: object) -> None:
        mariadb_server.hang()

    engine: Engine = sessions.kw["bind"]
    event.listen(engine, "commit", hang)
    try:
        with pytest.raises(OperationalError, match="2013"):
            transact(sessions, work)
    finally:
        event.remove(engine, "commit", hang)
        mariadb_server.resume()
    assert tries == [1]
    # Whoever asks again waits for the old transaction's lock, and so learns how it ended: the server had the commit.
    with sessions.begin() as session:
        promote(session, "b")
        assert session.get_one(UserAccount, "a", with_for_update=True).role == "reviewer"


def test_the_service_s_account_cannot_change_the_schema(sessions: sessionmaker[Session]) -> None:
    with pytest.raises(OperationalError, match="1142"):
        transact(sessions, lambda session: session.execute(text("DROP TABLE audit")))
