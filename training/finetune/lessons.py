"""What a snapshot teaches an encoder: train rows to learn from, validation rows to judge by, no other."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.domain.splits import Split
from core.domain.taxonomy import Taxonomy
from core.store.snapshot import Snapshot
from preprocessing.text import compose
from training.learning_rows import TooFewRows


@dataclass(frozen=True, slots=True)
class LearnableRows:
    """Rows that have the half in question; position i of everything is the same product.

    Attributes:
        places: ``(n,)`` positions in the snapshot's rows.
        labels: ``(n,)`` intp, columns of the classes that have training rows, by ascending code.
        train: ``(t,)`` positions among these rows.
        validation: ``(v,)`` positions among these rows.
        classes: how many have training rows.
    """

    places: NDArray[np.intp]
    labels: NDArray[np.intp]
    train: NDArray[np.intp]
    validation: NDArray[np.intp]
    classes: int

    @classmethod
    def choose(cls, snapshot: Snapshot, taxonomy: Taxonomy, has_half: NDArray[np.bool_]) -> "LearnableRows":
        """Pick them; validation rows of classes without training rows are left out.

        Raises:
            TooFewRows: fewer than two classes of the taxonomy have training rows.
        """
        codes = np.array([row.prdtypecode for row in snapshot.rows], dtype=np.int64)
        splits = np.array([row.split for row in snapshot.rows], dtype=str)
        train = (splits == Split.TRAIN) & has_half & np.isin(codes, taxonomy.codes)
        present = np.unique(codes[train])
        if len(present) < 2:
            raise TooFewRows(f"at least two classes need training rows. Received: {present.tolist()}")
        judged = (splits == Split.VALIDATION) & has_half & np.isin(codes, present)
        places = np.flatnonzero(train | judged)
        labels = np.searchsorted(present, codes[places])
        learns = train[places]
        return cls(places, labels, np.flatnonzero(learns), np.flatnonzero(~learns), len(present))


def texts_of(snapshot: Snapshot) -> list[str]:
    """The one text that models read of each row, "" where there is none."""
    return [compose(row.designation, row.description) for row in snapshot.rows]


def photos_of(snapshot: Snapshot, places: NDArray[np.intp]) -> Callable[[NDArray[np.intp]], NDArray[np.uint8]]:
    """A reader of some of the photos of the rows at ``places``: ``(k, 224, 224, 3)`` uint8."""

    def read(rows: NDArray[np.intp]) -> NDArray[np.uint8]:
        addresses = [snapshot.addresses[place] for place in places[rows]]
        return np.stack([snapshot.images(segment)[row] for segment, row in addresses])

    return read
