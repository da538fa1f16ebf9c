"""How many of a catalogue's products are copies, by what shows it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.domain.clusters import group_copies
from core.store.rows import TrainingRow
from preprocessing.ingest.fingerprints import Marks

_SAME, _TITLE, _PHOTO = ("t:", "i:", "p:"), "v:", "i:"


@dataclass(frozen=True, slots=True)
class Copies:
    """The count of a catalogue's copies: a cluster of n products holds n - 1 of them.

    Attributes:
        found: products that are a copy of another one, by whatever shows it.
        same: those with the same words or the same photo as another one.
        near_title: those that are no such copies, but near titles say that they are copies.
        near_photo: those that are no such copies, but near photos say that they are copies.
        clusters: sets of products that are copies of one another, single products included.
        largest_cluster: products in the largest.
        conflicting_clusters: clusters whose products do not all have the same code.
    """

    found: int
    same: int
    near_title: int
    near_photo: int
    clusters: int
    largest_cluster: int
    conflicting_clusters: int

    def __str__(self) -> str:
        return (
            f"copies: {self.found} ({self.same} with the same words or photo, {self.near_title} more by near titles, "
            f"{self.near_photo} more by near photos); {self.clusters} clusters, the largest of {self.largest_cluster}; "
            f"{self.conflicting_clusters} with more than one code"
        )


def count_copies(rows: Sequence[TrainingRow], marks: Sequence[Marks], near: Sequence[tuple[str, str]]) -> Copies:
    """Count over placed rows, their marks (aligned with them), and the pairs of marks that are near one another."""

    def clusters_by(kinds: tuple[str, ...], is_counted: Callable[[str], bool]) -> int:
        products = [[mark for mark in one.fingerprints if mark.startswith(kinds)] for one in marks]
        alone = sum(not held for held in products)
        pairs = [pair for pair in near if is_counted(pair[0])]
        return alone + len(set(group_copies([held for held in products if held], pairs)))

    same = clusters_by(_SAME, lambda _: False)
    sizes = Counter(row.cluster for row in rows)
    codes: defaultdict[str, set[int]] = defaultdict(set)
    for row in rows:
        codes[row.cluster].add(row.prdtypecode)
    return Copies(
        found=len(rows) - len(sizes),
        same=len(rows) - same,
        near_title=same - clusters_by((*_SAME, _TITLE), lambda mark: mark.startswith(_TITLE)),
        near_photo=same - clusters_by(_SAME, lambda mark: mark.startswith(_PHOTO)),
        clusters=len(sizes),
        largest_cluster=max(sizes.values(), default=0),
        conflicting_clusters=sum(len(known) > 1 for known in codes.values()),
    )
