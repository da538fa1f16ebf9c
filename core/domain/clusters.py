"""Which products are copies of one another, and the place a copy is given at intake.

A product has fingerprints (of its words, of its photo); products that share one are copies, and so are products
with fingerprints that are near one another, and copies of copies. A cluster is named after the smallest fingerprint
in it, so the name does not depend on who computes it.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.domain.splits import LEARNT, MEASURED, Split, split_of_validated


@dataclass(frozen=True, slots=True)
class Placement:
    """A cluster and the split its product belongs to."""

    cluster: str
    split: Split


@dataclass(frozen=True, slots=True)
class Signature:
    """What a fingerprint is compared by with those that are not equal to it.

    Attributes:
        rule: name of the rule it was made by; signatures of different rules never meet.
        keys: two fingerprints that have one in common (each 0..2**63 - 1) are worth comparing.
        content: what the comparison reads.
    """

    rule: str
    keys: tuple[int, ...]
    content: bytes


def fingerprint(kind: str, content: str) -> str:
    """``kind`` and a hash of ``content``: what two copies have in common, in at most 80 characters."""
    return f"{kind}:{hashlib.sha256(content.encode()).hexdigest()}"


def lookup_key(*parts: str) -> int:
    """A number in 0..2**63 - 1 that depends only on ``parts``."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return int.from_bytes(digest[:8]) >> 1


def cluster_name(fingerprints: Collection[str]) -> str:
    """The name of a cluster with these fingerprints."""
    return hashlib.sha256(min(fingerprints).encode()).hexdigest()[:16]


def group_copies(products: Sequence[Collection[str]], near: Iterable[tuple[str, str]] = ()) -> list[str]:
    """The cluster of each product, given each one's fingerprints (at least one a product) and which are near."""
    leader: dict[str, str] = {}

    def find(mark: str) -> str:
        while (above := leader.setdefault(mark, mark)) != mark:
            leader[mark] = leader[above]
            mark = above
        return mark

    for marks in (*products, *near):
        roots = [find(mark) for mark in marks]
        for root in roots:
            leader[root] = min(roots)
    return [cluster_name([find(next(iter(marks)))]) for marks in products]


def place_validated(
    fingerprints: Collection[str], known: Mapping[str, Collection[Placement]], near: Collection[str] = ()
) -> Placement:
    """Where a validated product goes, given where the holders of its fingerprints went.

    Copies join their cluster, the one of the smallest name where they join several of the split they get. A product
    that is kept out of both sides of an evaluation gets a cluster of its own, so that the clusters it joins stay as
    they are.

    Args:
        fingerprints: the product's own.
        known: placements by fingerprint; of others than these, they are not looked at.
        near: fingerprints of other products that are near one of its own.
    """
    joined = {place for mark in (*fingerprints, *near) for place in known.get(mark, ())}
    fresh_name = cluster_name(fingerprints)
    split = split_of_validated(fresh_name, {place.split for place in joined})
    if not joined:
        return Placement(fresh_name, split)
    if split is Split.NONE:
        return Placement(cluster_name([f"apart:{min(fingerprints)}"]), split)
    alike = [place.cluster for place in joined if place.split is split]
    return Placement(min(alike or [place.cluster for place in joined]), split)


def straddling(rows: Iterable[tuple[str, str]]) -> list[str]:
    """The clusters with rows to learn from and rows to measure with, sorted; there must be none.

    Args:
        rows: cluster and split of every live row.
    """
    sides: defaultdict[str, set[bool]] = defaultdict(set)
    for cluster, split in rows:
        if split in LEARNT or split in MEASURED:
            sides[cluster].add(split in MEASURED)
    return sorted(cluster for cluster, seen in sides.items() if len(seen) > 1)
