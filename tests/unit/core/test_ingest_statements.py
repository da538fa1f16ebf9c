"""What the append says to the database means the same to plain MySQL 8, and every change is guarded."""

import pytest
from sqlalchemy.dialects import mysql
from sqlalchemy.sql import ClauseElement

from core.db.repositories import clusters, ingest
from core.domain.clusters import Placement
from core.domain.splits import Split

GUARDED: dict[str, tuple[ClauseElement, str]] = {
    "claim outbox": (ingest.update_of_outbox(1, [1, 2]), "outbox.segment IS NULL AND outbox.done_at IS NULL"),
    "freeze": (
        ingest.update_of_freeze("id", 1, Placement("c", Split.TRAIN)),
        "prediction.status = %s AND prediction.segment IS NULL",
    ),
    "close claim": (ingest.update_of_claim(1, 2), "segment_claim.ingested_at IS NULL"),
    "mark ingested": (ingest.update_of_ingested(1), "prediction.status IN"),
    "mark done": (ingest.update_of_done(1), "outbox.done_at IS NULL"),
    "forget members": (clusters.delete_unclaimed(), "NOT (EXISTS"),
}
READS: dict[str, ClauseElement] = {
    "claims": ingest.select_claims().limit(1),
    "waiting": ingest.select_waiting().limit(10),
    "claimed": ingest.select_claimed(1),
    "places": clusters.select_places(["t:1"]),
}


def compiled(statement: ClauseElement) -> str:
    return " ".join(str(statement.compile(dialect=mysql.dialect())).split())


@pytest.mark.parametrize("name", GUARDED)
def test_every_change_is_one_guarded_statement_for_mysql(name: str) -> None:
    statement, guard = GUARDED[name]
    assert guard in compiled(statement).partition("WHERE")[2]
    assert "RETURNING" not in compiled(statement)


@pytest.mark.parametrize("name", READS)
def test_every_question_compiles_for_mysql(name: str) -> None:
    assert compiled(READS[name]).startswith("SELECT")


@pytest.mark.parametrize("name", ["waiting", "claimed"])
def test_the_rows_of_a_batch_have_one_order(name: str) -> None:
    assert "ORDER BY outbox.id" in compiled(READS[name])
