"""The append finds what it needs by an index: no statement of it reads a table that grows with the store."""

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.sql import ClauseElement

from core.db.models import Base
from tests.unit.core.test_ingest_statements import GUARDED, READS

# The whole point of `fsck` is to read everything, and an import replaces everything.
_READ_EVERYTHING = {
    "work",
    "decided",
    "batches",
    "releases",
    "answered",
    "forget members",
    "forget signatures",
    "forget keys",
    "forget recent keys",
    "recent keys",
}
STATEMENTS = {name: one for name, (one, _) in GUARDED.items()} | READS


@pytest.fixture(scope="module")
def engine() -> Engine:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    return engine


@pytest.mark.parametrize("name", sorted(STATEMENTS.keys() - _READ_EVERYTHING))
def test_no_statement_of_an_append_scans_a_table(engine: Engine, name: str) -> None:
    statement: ClauseElement = STATEMENTS[name]
    compiled = statement.compile(engine, compile_kwargs={"render_postcompile": True})
    with engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", tuple(compiled.params.values()))
        steps = [row.detail for row in plan]
    assert steps
    assert not [step for step in steps if step.startswith("SCAN") and "SUBQUERY" not in step], steps
    # Nearly all of the outbox is of one kind: an index that is asked for the kind alone reads it from end to end.
    assert not [step for step in steps if step.endswith("(kind=?)")], steps
