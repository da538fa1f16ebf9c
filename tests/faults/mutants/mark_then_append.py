"""The flaw: what waits is claimed and marked as done in one transaction, and only then written and published."""

from contextlib import AbstractContextManager

from sqlalchemy.orm import Session, sessionmaker

from core import failpoints
from core.db.repositories import batches
from core.settings import StoreSettings
from core.store import manifests
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
        batch = decide(session, choice, run_key)
        batches.mark(session, batch.claim, manifests.numbers(store.training)[-1] + 1)
        failpoints.reach("append.marking")
    failpoints.reach("append.marked")
    publish(store, batch)
    failpoints.reach("append.published")
    return batch.appended
