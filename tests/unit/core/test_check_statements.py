"""What the checks, the audit's seals and their results say to the database means the same to plain MySQL 8."""

from datetime import datetime

import pytest
from sqlalchemy.dialects import mysql
from sqlalchemy.sql import ClauseElement

from core.db.repositories import audit, consistency, store_checks

READS: dict[str, ClauseElement] = {
    "work": consistency.select_work(),
    "decided": consistency.select_decided(),
    "batches": consistency.select_batches(),
    "releases": consistency.select_releases(),
    "answered": consistency.select_answered(),
    "sealed rows": audit.select_sealed(1),
    "seals": audit.select_seals(),
    "sealed counts": audit.select_sealed_counts(),
    "newest check": store_checks.select_newest(),
}


def compiled(statement: ClauseElement) -> str:
    return " ".join(str(statement.compile(dialect=mysql.dialect())).split())


@pytest.mark.parametrize("name", READS)
def test_every_question_compiles_for_mysql(name: str) -> None:
    assert compiled(READS[name]).startswith("SELECT")


def test_sealing_is_one_guarded_statement_for_mysql() -> None:
    sql = compiled(audit.update_of_seal(1, datetime(2026, 11, 21, 12)))  # noqa: DTZ001 - the database's UTC has no zone
    assert sql.endswith("WHERE audit.seal IS NULL AND audit.at < %s")
    assert "RETURNING" not in sql


def test_sealed_rows_have_one_order() -> None:
    assert "ORDER BY audit.id" in compiled(audit.select_sealed(1))
