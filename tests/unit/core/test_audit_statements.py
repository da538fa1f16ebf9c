"""Sealing the audit is one guarded statement, and a link's rows have one order."""

from datetime import datetime

from sqlalchemy.dialects import mysql
from sqlalchemy.sql import ClauseElement

from core.db.repositories import audit


def compiled(statement: ClauseElement) -> str:
    return " ".join(str(statement.compile(dialect=mysql.dialect())).split())


def test_sealing_is_guarded() -> None:
    sql = compiled(audit.update_of_seal(1, datetime(2026, 11, 21, 12)))  # noqa: DTZ001 - the database's UTC has no zone
    assert sql.endswith("WHERE audit.seal IS NULL AND audit.at < %s")


def test_sealed_rows_have_one_order() -> None:
    assert compiled(audit.select_sealed(1)).endswith("ORDER BY audit.id")
