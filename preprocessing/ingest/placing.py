"""Where each row of a batch belongs: the cluster and split of its copies, or a new one, remembered for the next."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy.orm import Session

from core.db.repositories import clusters
from core.db.repositories.clusters import Member
from core.db.repositories.ingest import WaitingWork
from core.domain.clusters import Placement, place_validated
from preprocessing.ingest.fingerprints import fingerprints_of


def place_waiting(session: Session, waiting: Sequence[WaitingWork]) -> dict[str, Placement]:
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
