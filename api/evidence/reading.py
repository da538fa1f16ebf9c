"""From one index of labelled rows to the next: what is new is read, what was retracted is left out."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.store.segments import Segment
from core.store.shelf import Shelf, View
from inference.family import FEATURES
from inference.feature_cache import file_name, load
from inference.neighbours import Index, Piece, Space, reduce_rows

Rest = Callable[[float], None]
"""Called after every block of rows with the seconds that it took; may raise to stop."""


def read_on(
    before: Index | None, encoders: Mapping[str, str], view: View, *, shelf: Shelf, features: Path, rest: Rest
) -> Index:
    """The index of what counts now.

    Args:
        before: the index so far; of other encoders it is of no use.
        encoders: sha by feature.
        view: what counts.
        shelf: the rows.
        features: the folder of the feature cache.
        rest: lets others go first.

    Raises:
        CorruptSegment: a new segment's products were changed.
    """
    if before is None or before.encoders != encoders:
        before = Index(encoders, 0, {}, {})
    return _Reading(before, view, shelf, features, rest).bring_up_to_date()


class _Reading:
    def __init__(self, before: Index, view: View, shelf: Shelf, features: Path, rest: Rest) -> None:
        self._before = before
        self._view = view
        self._shelf = shelf
        self._features = features
        self._rest = rest
        self._spaces = dict(before.spaces)
        self._dead: dict[str, list[int]] = defaultdict(list)
        for address in view.dead:
            self._dead[address.segment].append(address.row)

    def bring_up_to_date(self) -> Index:
        pieces = {name: self._piece(segment) for name, segment in self._view.segments.items()}
        return Index(self._before.encoders, self._view.manifest.number, pieces, self._spaces)

    def _piece(self, segment: Segment) -> Piece:
        known = self._before.pieces.get(segment.name) or self._read_rows(segment)
        known = self._without_dead(known)
        new = self._read_features(known, segment)
        return known.seen_by(new, {feature: self._file(feature, segment) for feature in new}) if new else known

    def _read_rows(self, segment: Segment) -> Piece:
        """The rows of the split ``train`` alone: see ADR 0020."""
        contents = self._shelf.contents(segment)
        places = np.flatnonzero(contents.trained)
        codes, photographed = contents.codes[places], contents.photographed[places]
        return Piece(segment.name, segment.rows, places, codes, photographed, {}, {})

    def _without_dead(self, piece: Piece) -> Piece:
        dead = self._dead.get(piece.segment, [])
        return piece.without(dead) if np.isin(piece.places, dead).any() else piece

    def _read_features(self, piece: Piece, segment: Segment) -> dict[str, NDArray[np.float32]]:
        """Reduced features of those encoders whose file has come since: training writes them when it next runs."""
        missing = [feature for feature in self._before.encoders if feature not in piece.vectors]
        found = {feature: self._reduce(feature, piece, segment) for feature in missing}
        return {feature: vectors for feature, vectors in found.items() if vectors is not None}

    def _reduce(self, feature: str, piece: Piece, segment: Segment) -> NDArray[np.float32] | None:
        stored = load(self._file(feature, segment), segment.rows)
        if stored is None or not len(piece.places):
            return None
        space = self._spaces.get(feature) or Space.around(stored, piece.places)
        if space is None or len(space.centre) != stored.shape[1]:
            return None
        self._spaces[feature] = space
        blocks, began = [], time.monotonic()
        for block in reduce_rows(space, stored, piece.places):
            blocks.append(block)
            self._rest(time.monotonic() - began)
            began = time.monotonic()
        return np.concatenate(blocks)

    def _file(self, feature: str, segment: Segment) -> Path:
        return self._features / self._before.encoders[feature] / file_name(FEATURES[feature], segment)
