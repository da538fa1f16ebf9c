"""The ingest's two transactions without its files, so that a test can stand between them."""

from itertools import count

from sqlalchemy.orm import Session

from core.db.models import Outbox
from core.db.repositories import batches, ingest
from core.db.repositories.ingest import Claim
from core.domain.clusters import Placement
from core.domain.review import OutboxKind
from core.domain.splits import Split
from tests.integration.api.toys import Service

_manifests = count(2)  # the first release of a test learnt from 1


def claim(service: Service) -> Claim:
    """Claim everything that waits for the training store; every product is its own cluster, in the training split."""
    with service.app.state.parts.sessions.begin() as session:
        return claim_waiting(session)


def claim_waiting(session: Session) -> Claim:
    """Claim within a transaction."""
    segment = ingest.last_segment(session) + 1
    waiting = [prediction_id for _, prediction_id in ingest.oldest_waiting(session, after=0, limit=1000)]
    ingest.lock(session, set(waiting))
    work = ingest.waiting_work(session, set(waiting))
    appends = [one for one in work if one.kind is OutboxKind.APPEND]
    done = ingest.insert_claim(
        session, segment=segment, run_key=f"run-{segment}", rows=len(appends), retractions=len(work) - len(appends)
    )
    places = {one.prediction_id: Placement(one.prediction_id, Split.TRAIN) for one in appends if not one.placed}
    ingest.freeze(session, segment, appends, places)
    ingest.claim_outbox(session, segment, work)
    return done


def mark(service: Service, claimed: Claim) -> int:
    """Mark a batch as published, by a manifest of its own; returns the manifest's number."""
    manifest = next(_manifests)
    with service.app.state.parts.sessions.begin() as session:
        assert batches.mark(session, claimed, manifest)
    return manifest


def ingest_all(service: Service) -> int:
    """Claim and mark everything that waits; returns the manifest's number."""
    return mark(service, claim(service))


def work_of(service: Service, prediction_id: str) -> list[tuple[str, int, bool, bool]]:
    """A prediction's outbox in order: kind, version, claimed, done."""
    rows = [row for row in service.rows(Outbox) if row.prediction_id == prediction_id]
    return [(row.kind, row.version, row.segment is not None, row.done_at is not None) for row in rows]
