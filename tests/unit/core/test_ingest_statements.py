"""What the append says to the database means the same to plain MySQL 8, and every change is guarded."""

import pytest
from sqlalchemy.dialects import mysql
from sqlalchemy.sql import ClauseElement

from core.db.repositories import batches, clusters, consistency, ingest
from core.domain.clusters import Placement
from core.domain.splits import Split

UNCLAIMED = "outbox.segment IS NULL AND outbox.done_at IS NULL"
AS_DECIDED = "prediction.id = %s AND prediction.version = %s AND prediction.status IN (__[POSTCOMPILE_status_1])"
GUARDED: dict[str, tuple[ClauseElement, str]] = {
    "claim appends": (ingest.update_of_appends(1, {7: 0, 8: 1}), UNCLAIMED),
    "claim retractions": (ingest.update_of_retractions(1, [1, 2]), UNCLAIMED),
    "freeze": (
        ingest.update_of_freeze("id", 2, 1, Placement("c", Split.TRAIN)),
        f"{AS_DECIDED} AND prediction.cluster IS NULL",
    ),
    "freeze a placed one": (
        ingest.update_of_freeze("id", 2, 1, None),
        f"{AS_DECIDED} AND prediction.cluster IS NOT NULL",
    ),
    "close claim": (batches.update_of_claim(1, 2), "segment_claim.ingested_at IS NULL"),
    "mark ingested": (batches.update_of_ingested(1), "outbox.version = prediction.version"),
    "mark done": (batches.update_of_done(1), "outbox.done_at IS NULL"),
    "forget members": (clusters.deletes_of_unclaimed()[0], "NOT (EXISTS"),
    "forget signatures": (clusters.deletes_of_unclaimed()[1], "NOT (EXISTS"),
    "forget keys": (clusters.deletes_of_unclaimed()[2], "NOT (EXISTS"),
    "forget recent keys": (clusters.deletes_of_unclaimed()[3], "NOT (EXISTS"),
    "forget settled keys": (clusters.delete_of_settled(1), "EXISTS"),
}
READS: dict[str, ClauseElement] = {
    "open claim": ingest.select_open().limit(1),
    "claim of run": ingest.select_of_run("run").limit(1),
    "oldest": ingest.select_oldest(0, 10),
    "waiting work": ingest.select_work(["id"]),
    "lock": ingest.select_for_update(["id"]),
    "lock retracted": batches.select_retracting(1),
    "claimed": batches.select_claimed(1),
    "retractions": batches.select_retractions(1),
    "given": batches.select_given(1, ["id"]),
    "places": clusters.select_places(["t:1"]),
    "keys": clusters.select_keys([1]),
    "recent keys": clusters.select_recent(1),
    "signatures": clusters.select_signatures([1]),
    "known signatures": clusters.select_known([1]),
    "work": consistency.select_work(),
    "decided": consistency.select_decided(),
    "batches": consistency.select_batches(),
    "releases": consistency.select_releases(),
    "answered": consistency.select_answered(),
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


def test_the_rows_of_a_batch_have_one_order() -> None:
    assert "ORDER BY outbox.segment_row" in compiled(READS["claimed"])
    assert "ORDER BY outbox.id" in compiled(READS["oldest"])


def test_an_append_is_given_its_row_in_the_statement_that_claims_it() -> None:
    assert "segment_row=CASE outbox.id WHEN %s THEN %s WHEN %s THEN %s END" in compiled(GUARDED["claim appends"][0])


@pytest.mark.parametrize("name", ["lock", "lock retracted"])
def test_rows_are_locked_in_the_order_of_their_ids(name: str) -> None:
    assert compiled(READS[name]).endswith("ORDER BY prediction.id FOR UPDATE")
