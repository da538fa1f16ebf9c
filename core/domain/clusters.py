"""Which products are copies of one another, and the place a copy is given at intake.

A product has fingerprints (of its words, of its photo); products that share one are copies, and so are copies of
copies. A cluster is named after the smallest fingerprint in it, so the name does not depend on who computes it.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from core.domain.splits import Split, split_of_validated


@dataclass(frozen=True, slots=True)
class Placement:
    """A cluster and the split its product belongs to."""

    cluster: str
    split: Split


def fingerprint(kind: str, content: str) -> str:
    """``kind`` and a hash of ``content``: what two copies have in common, in at most 80 characters."""
    return f"{kind}:{hashlib.sha256(content.encode()).hexdigest()}"


def cluster_name(fingerprints: Collection[str]) -> str:
    """The name of a cluster with these fingerprints."""
    return hashlib.sha256(min(fingerprints).encode()).hexdigest()[:16]


def group_copies(products: Sequence[Collection[str]]) -> list[str]:
    """The cluster of each product, given each one's fingerprints (at least one a product)."""
    leader: dict[str, str] = {}

    def find(mark: str) -> str:
        while (above := leader.setdefault(mark, mark)) != mark:
            leader[mark] = leader[above]
            mark = above
        return mark

    for marks in products:
        roots = [find(mark) for mark in marks]
        for root in roots:
            leader[root] = min(roots)
    return [cluster_name([find(next(iter(marks)))]) for marks in products]


def place_validated(fingerprints: Collection[str], known: Mapping[str, Collection[Placement]]) -> Placement:
    """Where a validated product goes, given where the holders of its fingerprints went.

    Copies join their cluster, the one of the smallest name where they join several. A product that is kept out
    of both sides of an evaluation gets a cluster of its own, so that the clusters it joins stay as they are.
    """
    joined = {place for mark in fingerprints for place in known.get(mark, ())}
    fresh_name = cluster_name(fingerprints)
    split = split_of_validated(fresh_name, {place.split for place in joined})
    if not joined:
        return Placement(fresh_name, split)
    if split is Split.NONE:
        return Placement(cluster_name([f"apart:{min(fingerprints)}"]), split)
    return Placement(min(place.cluster for place in joined), split)
