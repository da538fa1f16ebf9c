"""The flaw: no claim. What waits is written and published, and only then marked as done."""

from contextlib import AbstractContextManager

from sqlalchemy.orm import Session, sessionmaker

from core import failpoints
from core.db.repositories import batches
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
    with sessions() as session:
        batch = decide(session, choice, run_key)
        session.rollback()
    manifest = publish(store, batch, number=_next_number(store))
    failpoints.reach("append.published")
    choice = choose(sessions, store)
    with sessions.begin() as session:
        batches.mark(session, decide(session, choice, run_key).claim, manifest)
        failpoints.reach("append.marking")
    failpoints.reach("append.marked")
    return batch.appended


def _next_number(store: StoreSettings) -> int:
    """The one after the last folder: nobody else's."""
    return max(int(folder.name[:6]) for folder in (store.training / "segments").glob("[0-9]*")) + 1
