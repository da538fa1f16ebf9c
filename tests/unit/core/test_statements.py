"""Every statement and table means something to plain MySQL 8, which has no RETURNING."""

import pytest
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql import ClauseElement

from core.db.models import Base
from core.db.repositories import outbox, predictions
from core.db.repositories.predictions import Order, Position
from core.domain.review import ARCHIVE, INGEST, MODIFY, REJECT, VALIDATE, Status

STATEMENTS: dict[str, ClauseElement] = {
    **{f"move {move.name}": predictions.update_of_move("id", 1, move, 10) for move in (VALIDATE, REJECT, MODIFY)},
    **{f"move {move.name}": predictions.update_of_move("id", 1, move, None) for move in (INGEST, ARCHIVE)},
    "delete": predictions.delete_of_pending("id", 1),
    "first page": predictions.select_page(None, None, Order.NEWEST, None).limit(10),
    "newest": predictions.select_page("owner", Status.PENDING, Order.NEWEST, Position("id")).limit(10),
    "uncertain": predictions.select_page(None, Status.PENDING, Order.UNCERTAIN, Position("id", 0.5)).limit(10),
    "waiting": outbox.select_waiting(),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_statement_compiles_for_mysql_without_returning(name: str) -> None:
    sql = str(STATEMENTS[name].compile(dialect=mysql.dialect()))
    assert "RETURNING" not in sql


@pytest.mark.parametrize("name", [name for name in STATEMENTS if name.startswith("move ") or name == "delete"])
def test_every_change_is_guarded_by_version_and_status(name: str) -> None:
    sql = str(STATEMENTS[name].compile(dialect=mysql.dialect()))
    guard = sql[sql.index("WHERE") :]
    assert "prediction.id =" in guard
    assert "prediction.version =" in guard
    assert "prediction.status" in guard


@pytest.mark.parametrize("table", Base.metadata.sorted_tables, ids=lambda table: table.name)
def test_table_compiles_for_mysql_with_exact_comparison(table: ClauseElement) -> None:
    ddl = str(CreateTable(table).compile(dialect=mysql.dialect()))
    assert "utf8mb4_bin" in ddl
    assert "ENGINE=InnoDB" in ddl
    assert "DATETIME," not in ddl  # whole seconds; ours have six digits
    for index in table.indexes:
        assert str(CreateIndex(index).compile(dialect=mysql.dialect()))
