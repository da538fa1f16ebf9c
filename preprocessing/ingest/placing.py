"""Where each row of a batch belongs: the cluster and split of its copies, or a new one, remembered for the next."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy.orm import Session

from core.db.repositories import clusters
from core.db.repositories.clusters import Member
from core.db.repositories.ingest import WaitingWork
from core.domain.clusters import Placement, Signature, place_validated
from preprocessing.ingest.fingerprints import Marks, marks_of, near_ones


def marks_of_work(work: WaitingWork, photo: Signature | None) -> Marks:
    """What a waiting row is compared by; ``photo`` is the signature of its photo. A pure function: no database."""
    return marks_of(work.prediction_id, work.designation, work.description, work.image_sha256, photo)


def place_waiting(session: Session, waiting: Sequence[WaitingWork], marks: Mapping[str, Marks]) -> dict[str, Placement]:
    """Place each row by what is known of its fingerprints and of near ones, and remember it.

    Rows are placed in their order, the ones before included. Signatures are compared as they are stored, so a row
    is near what a later claim would find near.

    Args:
        session: of the claim's transaction, which no other claim shares.
        waiting: rows that have no cluster yet.
        marks: of each, by prediction.
    """
    own = {row.prediction_id: marks[row.prediction_id] for row in waiting}
    near = _remember_signatures(session, own.values())
    reach = {
        one: {*held.fingerprints, *(m for mark in held.signatures for m in near[mark])} for one, held in own.items()
    }
    known = defaultdict(list, clusters.places_of(session, {mark for marks in reach.values() for mark in marks}))
    places: dict[str, Placement] = {}
    members: list[Member] = []
    for prediction_id, held in own.items():
        place = places[prediction_id] = place_validated(held.fingerprints, known, near=reach[prediction_id])
        for mark in held.fingerprints:
            if all(other.cluster != place.cluster for other in known[mark]):
                members.append(Member(mark, place))
                known[mark].append(place)
    clusters.add(session, members)
    return places


def _remember_signatures(session: Session, batch: Iterable[Marks]) -> dict[str, list[str]]:
    """Store the batch's signatures; returns, by fingerprint, those near it: of the store and of the batch."""
    signatures = {mark: signature for one in batch for mark, signature in one.signatures.items()}
    clusters.add_signatures(session, signatures)
    candidates = clusters.candidates_of(session, signatures)
    return {mark: near_ones(signature, candidates[mark]) for mark, signature in signatures.items()}
