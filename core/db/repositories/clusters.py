"""Which fingerprints are known, and the cluster and split their holders were given."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Delete, Select, delete, insert, select
from sqlalchemy.orm import Session

from core.db.models import ClusterMember, SegmentClaim
from core.domain.clusters import Placement
from core.domain.splits import Split

_CHUNK = 500  # fingerprints a statement: SQLite and MySQL both bound what one may hold


@dataclass(frozen=True, slots=True)
class Member:
    """A holder of ``fingerprint`` was placed at ``place``."""

    fingerprint: str
    place: Placement


def places_of(session: Session, fingerprints: Collection[str]) -> dict[str, list[Placement]]:
    """Where the holders of these fingerprints went; fingerprints that nobody holds are absent."""
    found: defaultdict[str, list[Placement]] = defaultdict(list)
    wanted = sorted(set(fingerprints))
    for start in range(0, len(wanted), _CHUNK):
        for mark, cluster, split in session.execute(select_places(wanted[start : start + _CHUNK])):
            found[mark].append(Placement(cluster, Split(split)))
    return dict(found)


def select_places(fingerprints: Collection[str]) -> Select[tuple[str, str, str]]:
    """The statement behind ``places_of``."""
    return select(ClusterMember.fingerprint, ClusterMember.cluster, ClusterMember.split).where(
        ClusterMember.fingerprint.in_(fingerprints)
    )


def add(session: Session, members: Collection[Member]) -> None:
    """Remember new members.

    Raises:
        sqlalchemy.exc.IntegrityError: one of the fingerprints is already in that cluster.
    """
    if members:
        session.execute(insert(ClusterMember), [_values(member) for member in members])


def replace_all(session: Session, members: Collection[Member]) -> None:
    """Remember the members of a base import, in the place of an earlier one that was never published.

    Once a batch of validated rows has been claimed nothing is forgotten any more.
    """
    session.execute(delete_unclaimed())
    wanted = {(member.fingerprint, member.place.cluster): member for member in members}
    known = places_of(session, [member.fingerprint for member in members])
    add(session, [member for key, member in wanted.items() if not _holds(known, *key)])


def delete_unclaimed() -> Delete:
    """Forget every member, provided that no batch was ever claimed."""
    return delete(ClusterMember).where(~select(SegmentClaim.segment).exists())


def _holds(known: Mapping[str, Collection[Placement]], fingerprint: str, cluster: str) -> bool:
    return any(place.cluster == cluster for place in known.get(fingerprint, ()))


def _values(member: Member) -> dict[str, str]:
    return {
        "fingerprint": member.fingerprint,
        "cluster": member.place.cluster,
        "split": member.place.split.value,
    }
