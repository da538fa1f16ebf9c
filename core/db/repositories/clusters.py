"""Which fingerprints are known, which of them are near, and the cluster and split their holders were given.

What a batch costs here depends on the batch: fingerprints and lookup keys are primary keys, so the size of the store
counts by its logarithm. Lookup keys have no order. In one large table each of a batch's thousands would be written
into a page of its own; so a batch writes them into a small one, a lookup reads both, and ``settle_keys`` moves them
over when they have become many.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CompoundSelect, Delete, Select, delete, distinct, exists, func, insert, select, union_all
from sqlalchemy.orm import Session

from core.db.models import Base, ClusterMember, NearKey, NearSignature, RecentNearKey, SegmentClaim
from core.domain.clusters import Placement, Signature, lookup_key
from core.domain.splits import Split

_CHUNK = 500  # values a statement: SQLite and MySQL both bound what one may hold
_INSERTS = 10_000  # rows handed to the driver at once: a base import has millions


@dataclass(frozen=True, slots=True)
class Member:
    """A holder of ``fingerprint`` was placed at ``place``."""

    fingerprint: str
    place: Placement


@dataclass(frozen=True, slots=True)
class Tally:
    """How much is known about copies: ``clusters`` of products, by ``fingerprints``, ``signatures`` by their rule."""

    clusters: int
    fingerprints: int
    signatures: dict[str, int]


def places_of(session: Session, fingerprints: Collection[str]) -> dict[str, list[Placement]]:
    """Where the holders of these fingerprints went; fingerprints that nobody holds are absent."""
    found: defaultdict[str, list[Placement]] = defaultdict(list)
    for mark, cluster, split in _in_chunks(session, select_places, sorted(set(fingerprints))):
        found[mark].append(Placement(cluster, Split(split)))
    return dict(found)


def select_places(fingerprints: Collection[str]) -> Select[tuple[str, str, str]]:
    """The statement behind ``places_of``."""
    return select(ClusterMember.fingerprint, ClusterMember.cluster, ClusterMember.split).where(
        ClusterMember.fingerprint.in_(fingerprints)
    )


def candidates_of(session: Session, signatures: Mapping[str, Signature]) -> dict[str, dict[str, bytes]]:
    """By fingerprint, the known others that share a lookup key with it, and what to compare; not yet compared."""
    by_key: defaultdict[int, list[int]] = defaultdict(list)
    for key, number in _in_chunks(
        session, select_keys, sorted({key for one in signatures.values() for key in one.keys})
    ):
        by_key[key].append(number)
    numbers = sorted({number for found in by_key.values() for number in found})
    known = {number: (mark, content) for number, mark, content in _in_chunks(session, select_signatures, numbers)}
    found: dict[str, dict[str, bytes]] = {}
    for mark, signature in signatures.items():
        others = {number for key in signature.keys for number in by_key[key]}
        found[mark] = {other: content for other, content in sorted(known[number] for number in others) if other != mark}
    return found


def select_keys(keys: Collection[int]) -> CompoundSelect[tuple[int, int]]:
    """Who has these lookup keys. One statement: a key that moves from table to table meanwhile is not missed."""
    tables = (NearKey, RecentNearKey)
    return union_all(
        *(select(table.lookup_key, table.signature_id).where(table.lookup_key.in_(keys)) for table in tables)
    )


def select_signatures(numbers: Collection[int]) -> Select[tuple[int, str, bytes]]:
    """What the signatures of these numbers are of, and what they hold."""
    return select(NearSignature.id, NearSignature.fingerprint, NearSignature.content).where(
        NearSignature.id.in_(numbers)
    )


def add(session: Session, members: Collection[Member]) -> None:
    """Remember new members.

    Raises:
        sqlalchemy.exc.IntegrityError: one of the fingerprints is already in that cluster.
    """
    in_order = sorted(members, key=lambda member: (member.fingerprint, member.place.cluster))
    _insert(session, ClusterMember, [_values(member) for member in in_order])


def add_signatures(session: Session, signatures: Mapping[str, Signature], *, settled: bool = False) -> None:
    """Remember signatures by fingerprint; those known by the same rule are left alone.

    ``settled``: their keys need no moving later, as those of a whole catalogue.
    """
    numbers = {lookup_key("signature", one.rule, mark): mark for mark, one in signatures.items()}
    known = {number for (number,) in _in_chunks(session, select_known, sorted(numbers))}
    new = [(number, mark, signatures[mark]) for number, mark in sorted(numbers.items()) if number not in known]
    rows = [{"id": number, "rule": one.rule, "fingerprint": mark, "content": one.content} for number, mark, one in new]
    _insert(session, NearSignature, rows)
    keys = sorted({(key, number) for number, _, one in new for key in one.keys})
    _insert(session, NearKey if settled else RecentNearKey, [_key(*key) for key in keys])


def select_known(numbers: Collection[int]) -> Select[tuple[int]]:
    """Which signatures of these numbers are known."""
    return select(NearSignature.id).where(NearSignature.id.in_(numbers))


def replace_all(session: Session, members: Collection[Member], signatures: Mapping[str, Signature]) -> None:
    """Remember what a base import found, in the place of an earlier one that was never published.

    Once a batch of validated rows has been claimed nothing is forgotten any more.
    """
    for statement in deletes_of_unclaimed():
        session.execute(statement)
    wanted = {(member.fingerprint, member.place.cluster): member for member in members}
    known = places_of(session, [member.fingerprint for member in members])
    add(session, [member for key, member in wanted.items() if not _holds(known, *key)])
    add_signatures(session, signatures, settled=True)


def deletes_of_unclaimed() -> list[Delete]:
    """Forget everything, provided that no batch was ever claimed."""
    nothing_claimed = ~select(SegmentClaim.segment).exists()
    tables = (ClusterMember, NearSignature, NearKey, RecentNearKey)
    return [delete(table).where(nothing_claimed) for table in tables]


def recent_keys(session: Session) -> int:
    """How many keys appends wrote since they were last settled."""
    return session.execute(select(func.count()).select_from(RecentNearKey)).scalar_one()


def settle_keys(session: Session, limit: int) -> int:
    """Move the ``limit`` smallest recent keys to the others, which they join in their order; returns how many."""
    keys = session.execute(select_recent(limit)).all()
    if keys:
        _insert(session, NearKey, [_key(*key) for key in keys])
        session.execute(delete_of_settled(keys[-1][0]), execution_options={"synchronize_session": False})
    return len(keys)


def select_recent(limit: int) -> Select[tuple[int, int]]:
    """Lock the smallest recent keys: of two who settle at once, one waits and finds what is left."""
    key = (RecentNearKey.lookup_key, RecentNearKey.signature_id)
    return select(*key).order_by(*key).limit(limit).with_for_update()


def delete_of_settled(greatest: int) -> Delete:
    """Forget the recent keys up to ``greatest`` that are settled; one that was added meanwhile is not."""
    is_settled = exists().where(
        NearKey.lookup_key == RecentNearKey.lookup_key, NearKey.signature_id == RecentNearKey.signature_id
    )
    return delete(RecentNearKey).where(RecentNearKey.lookup_key <= greatest, is_settled)


def tally(session: Session) -> Tally:
    """Count what is known. Reads all of it: for a report or a page of figures, not for every request."""
    clusters, fingerprints = session.execute(
        select(func.count(distinct(ClusterMember.cluster)), func.count(distinct(ClusterMember.fingerprint)))
    ).one()
    by_rule = select(NearSignature.rule, func.count()).group_by(NearSignature.rule).order_by(NearSignature.rule)
    return Tally(clusters, fingerprints, dict(session.execute(by_rule).all()))


def _in_chunks(session: Session, select_some: Callable[[Collection[Any]], Select[Any]], values: list[Any]) -> Iterator:
    for start in range(0, len(values), _CHUNK):
        yield from session.execute(select_some(values[start : start + _CHUNK]))


def _insert(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    for start in range(0, len(rows), _INSERTS):
        session.execute(insert(model.__table__), rows[start : start + _INSERTS])


def _holds(known: Mapping[str, Collection[Placement]], fingerprint: str, cluster: str) -> bool:
    return any(place.cluster == cluster for place in known.get(fingerprint, ()))


def _key(key: int, signature_id: int) -> dict[str, int]:
    return {"lookup_key": key, "signature_id": signature_id}


def _values(member: Member) -> dict[str, str]:
    return {
        "fingerprint": member.fingerprint,
        "cluster": member.place.cluster,
        "split": member.place.split.value,
    }
