"""A release from an older snapshot asks for a retraining, so that it soon knows what people said since."""

from pathlib import Path

from sqlalchemy.orm import Session

from core.db.repositories import retrain_requests
from core.store import manifests

_JOB = "training.jobs"


def ask_where_behind(session: Session, training: Path, learnt: int, epoch: int) -> str | None:
    """Ask for a retraining if the store has gone on since the manifest ``learnt``, from which ``epoch`` was trained.

    A full training keeps for days to the snapshot that it began with, and a person may approve after a week. Labels
    that came meanwhile would wait for the next batch, and labels that were taken back would be back in the weights.

    Returns:
        The id of the request that waits, None where none was needed.
    """
    newest = max(manifests.numbers(training), default=learnt)
    if newest <= learnt:
        return None
    reason = f"epoch {epoch} learnt from manifest {learnt}, the store is at {newest}"
    return retrain_requests.ask(session, job=_JOB, reason=reason)
