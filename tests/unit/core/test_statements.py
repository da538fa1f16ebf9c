"""Every statement and table means something to plain MySQL 8, which has no RETURNING."""

import re
from datetime import datetime

import pytest
from sqlalchemy import Delete, Update
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql import ClauseElement

from core.db.models import Base
from core.db.repositories import leases, outbox, predictions
from core.db.repositories.predictions import Filter
from core.domain.review import (
    ARCHIVE,
    CORRECT,
    ERASE,
    ERASE_ARCHIVED,
    INGEST,
    MODIFY,
    REJECT,
    REOPEN,
    RETRACT,
    UNDO,
    VALIDATE,
    Move,
    OutboxKind,
)
from tests.statements import statement_functions, statements_of

MADE = statement_functions()
_PEOPLE_S_MOVES = (VALIDATE, REJECT, MODIFY, UNDO, REOPEN, CORRECT, RETRACT, ERASE, ERASE_ARCHIVED)

CHANGES: dict[str, ClauseElement] = {
    **{f"move {move.name}": predictions.update_of_move("id", 1, move, 10) for move in _PEOPLE_S_MOVES},
    **{f"move {move.name}": predictions.update_of_move("id", 1, move, None) for move in (INGEST, ARCHIVE)},
    "retract and erase": predictions.update_of_move("id", 1, RETRACT, None, erase=True),
    "delete": predictions.delete_of_unstored("id", 1),
}
OTHERS: dict[str, tuple[ClauseElement, tuple[str, ...]]] = {
    "withdraw": (
        outbox.delete_of_waiting("id", OutboxKind.APPEND, 1),
        ("outbox.segment IS NULL", "outbox.done_at IS NULL", "outbox.version ="),
    ),
    "withdraw any": (
        outbox.delete_of_waiting("id", OutboxKind.APPEND, None),
        ("outbox.segment IS NULL", "outbox.done_at IS NULL"),
    ),
    "lease": (
        leases.update_of_free("id", "person", Filter(), datetime(2026, 1, 1)),  # noqa: DTZ001 - as the database keeps it
        ("prediction.status =", "prediction.leased_until IS NULL OR prediction.leased_until <= UTC_TIMESTAMP(6)"),
    ),
    "lengthen a lease": (
        leases.update_of_hold("id", "person", datetime(2026, 1, 1)),  # noqa: DTZ001
        ("prediction.status =", "prediction.leased_by =", "prediction.leased_until > UTC_TIMESTAMP(6)"),
    ),
    "blank": (
        predictions.update_of_blank(["id"]),
        ("prediction.erase_requested_at IS NOT NULL", "NOT (EXISTS", "outbox.done_at IS NULL"),
    ),
}


def compiled(statement: ClauseElement) -> str:
    return " ".join(str(statement.compile(dialect=mysql.dialect())).split())


@pytest.mark.parametrize("name", MADE)
def test_statement_compiles_for_mysql_without_returning(name: str) -> None:
    made = [compiled(statement) for statement in statements_of(MADE[name])]
    assert made
    assert [sql for sql in made if "RETURNING" in sql] == []


@pytest.mark.parametrize("name", MADE)
def test_no_change_looks_at_its_own_table_which_mysql_refuses_and_mariadb_does_not(name: str) -> None:
    for statement in statements_of(MADE[name]):
        if isinstance(statement, Update | Delete):
            guard = compiled(statement).partition("WHERE")[2]
            looked_at = " ".join(re.findall(r"\bFROM (.*?)(?: WHERE|\)|$)", guard))
            assert not re.search(rf"\b{statement.table.name}\b", looked_at), guard


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_is_guarded_by_version_and_status(name: str) -> None:
    guard = compiled(CHANGES[name]).partition("WHERE")[2]
    assert "prediction.id =" in guard
    assert "prediction.version =" in guard
    assert "prediction.status IN" in guard


@pytest.mark.parametrize("move", _PEOPLE_S_MOVES)
def test_no_move_starts_from_an_erased_product(move: Move) -> None:
    assert "prediction.erase_requested_at IS NULL" in compiled(predictions.update_of_move("id", 1, move, None))


@pytest.mark.parametrize("name", OTHERS)
def test_every_other_change_is_guarded_too(name: str) -> None:
    statement, guards = OTHERS[name]
    where = compiled(statement).partition("WHERE")[2]
    assert [guard for guard in guards if guard not in where] == []


@pytest.mark.parametrize("table", Base.metadata.sorted_tables, ids=lambda table: table.name)
def test_table_compiles_for_mysql_with_exact_comparison(table: ClauseElement) -> None:
    ddl = str(CreateTable(table).compile(dialect=mysql.dialect()))
    assert "utf8mb4_bin" in ddl
    assert "ENGINE=InnoDB" in ddl
    assert "DATETIME," not in ddl  # whole seconds; ours have six digits
    for index in table.indexes:
        assert str(CreateIndex(index).compile(dialect=mysql.dialect()))
