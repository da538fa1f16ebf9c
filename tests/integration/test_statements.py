"""Every statement of every repository runs on SQLite and on MariaDB, whose session is as strict as ours asks."""

import pytest
from sqlalchemy import Engine, text

from tests.statements import statement_functions, statements_of

MADE = statement_functions()


@pytest.mark.parametrize("database_kind", ["sqlite", "mariadb"], indirect=True)
def test_every_statement_runs(engine: Engine) -> None:
    run = 0
    with engine.connect() as connection:
        for name, function in MADE.items():
            for statement in statements_of(function):
                result = connection.execute(statement)
                assert not result.returns_rows or result.all() is not None, name
                run += 1
        connection.rollback()
    assert run >= 100


@pytest.mark.parametrize("database_kind", ["mariadb"], indirect=True)
def test_a_session_means_the_same_whatever_the_server_is_set_to(engine: Engine) -> None:
    with engine.connect() as connection:
        modes, zone, wait_s, isolation = connection.execute(
            text("SELECT @@sql_mode, @@time_zone, @@innodb_lock_wait_timeout, @@tx_isolation")
        ).one()
    assert {"STRICT_ALL_TABLES", "ONLY_FULL_GROUP_BY", "NO_ZERO_DATE"} <= set(modes.split(","))
    assert (zone, wait_s, isolation) == ("+00:00", 10, "READ-COMMITTED")
