"""Claiming a batch: which validated rows it holds, and where each of them belongs, decided in one transaction."""

from sqlalchemy.orm import Session, sessionmaker

from core.db.repositories import ingest
from core.db.repositories.ingest import Claim, ClaimTaken
from preprocessing.ingest.placing import place_waiting

_ATTEMPTS = 5


def claim_batch(sessions: sessionmaker[Session], *, run_key: str, max_rows: int) -> Claim | None:
    """Claim up to ``max_rows`` waiting rows, or resume the batch that is open, whoever opened it.

    A run that comes again gets the batch it had, ingested or not. None when nothing waits.

    Raises:
        ClaimTaken: other processes were faster five times in a row.
    """
    for attempt in range(_ATTEMPTS):
        try:
            with sessions.begin() as session:
                return _claim_or_resume(session, run_key, max_rows)
        except ClaimTaken:
            if attempt == _ATTEMPTS - 1:
                raise
    return None


def _claim_or_resume(session: Session, run_key: str, max_rows: int) -> Claim | None:
    if earlier := ingest.claim_of_run(session, run_key):
        return earlier
    last = ingest.last_segment(session)
    if left := ingest.open_claim(session):
        ingest.take_over(session, left.segment, run_key)
        return left
    waiting = ingest.waiting_rows(session, max_rows)
    if not waiting:
        return None
    claim = ingest.insert_claim(session, segment=last + 1, run_key=run_key, rows=len(waiting))
    ingest.claim_outbox(session, claim.segment, [row.outbox_id for row in waiting])
    ingest.freeze(session, claim.segment, place_waiting(session, waiting))
    return claim
