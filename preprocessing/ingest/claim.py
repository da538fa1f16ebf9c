"""Claiming a batch: which validated rows it holds, and where each of them belongs, decided in one transaction."""

from collections import defaultdict

from sqlalchemy.orm import Session, sessionmaker

from core.db.repositories import clusters, ingest
from core.db.repositories.clusters import Member
from core.db.repositories.ingest import Claim, ClaimTaken, WaitingRow
from core.domain.clusters import Placement, place_validated
from preprocessing.ingest.fingerprints import fingerprints_of

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
    ingest.freeze(session, claim.segment, _place(session, waiting))
    return claim


def _place(session: Session, waiting: list[WaitingRow]) -> dict[str, Placement]:
    """Place each row by what is known of its fingerprints, the rows before it included, and remember it."""
    marks = {
        row.prediction_id: fingerprints_of(row.prediction_id, row.designation, row.description, row.image_sha256)
        for row in waiting
    }
    known = defaultdict(list, clusters.places_of(session, [mark for own in marks.values() for mark in own]))
    places: dict[str, Placement] = {}
    members: list[Member] = []
    for prediction_id, own in marks.items():
        place = places[prediction_id] = place_validated(own, known)
        for mark in own:
            if all(other.cluster != place.cluster for other in known[mark]):
                members.append(Member(mark, place))
                known[mark].append(place)
    clusters.add(session, members)
    return places
