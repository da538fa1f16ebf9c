"""The flaw: the claim takes a number and no rows. Which rows the batch holds is asked again at every step."""

from contextlib import AbstractContextManager

from sqlalchemy.orm import Session, sessionmaker

from core import failpoints
from core.db.repositories import batches, ingest
from core.settings import StoreSettings
from preprocessing.ingest.append import Appended
from tests.faults.mutants.append_steps import choose, decide, instead_of_append, publish


def applied() -> AbstractContextManager[None]:
    """The command appends this way until the end of the block."""
    return instead_of_append(_append)


def _append(sessions: sessionmaker[Session], store: StoreSettings, *, run_key: str) -> Appended | None:
    choice = choose(sessions, store)
    if not choice.predictions:
        return None
    with sessions.begin() as session:
        if ingest.open_claim(session) is None:
            number = ingest.last_segment(session) + 1
            ingest.insert_claim(session, segment=number, run_key=run_key, rows=0, retractions=0)
    failpoints.reach("append.claimed")
    with sessions() as session:
        batch = decide(session, choice, run_key)
        session.rollback()
    manifest = publish(store, batch)
    failpoints.reach("append.published")
    choice = choose(sessions, store)
    with sessions.begin() as session:
        batches.mark(session, decide(session, choice, run_key).claim, manifest)
        failpoints.reach("append.marking")
    failpoints.reach("append.marked")
    return batch.appended
