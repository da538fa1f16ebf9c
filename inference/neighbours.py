"""Which labelled rows are most like a product, by the features that the model itself reads.

Every encoder has a ``Space``: rows are centred on their common mean (features of one encoder all point the same way;
without that everything is 80 % like everything), scaled to length 1 and, by a random projection, kept with 96 numbers
instead of thousands. The reduced rows of all segments are compared in one pass; the few best are then compared by
their whole features, read from the feature cache, so what is shown is exact and only who is looked at is not.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.domain.product import Modality
from core.store.shelf import RowAddress, View
from inference.family import FEATURES, IMAGE, TEXT
from inference.feature_cache import load

DIMENSIONS = 96
"""Numbers kept of a row. A projected cosine is off by about ``(1 - cosine²) / 10``."""
_SEED = 20261122
_LEAST_LENGTH = 1e-6  # shorter than any feature vector: the row lacks this half

Vectors = Mapping[str, NDArray[np.float32]]
"""By feature, ``(n, DIMENSIONS)`` or ``(n, width)`` float32; rows have length 1, or 0 where the half is missing."""


@dataclass(frozen=True, slots=True)
class Space:
    """How one encoder's features are compared.

    Attributes:
        centre: ``(width,)`` float32, the mean of the rows it was made from.
        basis: ``(width, DIMENSIONS)`` float32, random and always the same.
    """

    centre: NDArray[np.float32]
    basis: NDArray[np.float32]

    @classmethod
    def around(cls, features: NDArray[np.float16], rows: NDArray[np.intp]) -> "Space | None":
        """A space centred on some rows of ``(n, width)`` features; None where none of them has this half."""
        total, count = np.zeros(features.shape[1], np.float64), 0
        for block in _blocks(rows):
            seen = np.asarray(features[block], np.float32)
            present = np.any(seen, axis=1)
            total += seen[present].sum(axis=0, dtype=np.float64)
            count += int(present.sum())
        if not count:
            return None
        random = np.random.default_rng([_SEED, len(total)])
        basis = random.standard_normal((len(total), DIMENSIONS), np.float32) / np.float32(np.sqrt(DIMENSIONS))
        return cls((total / count).astype(np.float32), basis)

    def centred(self, features: NDArray[np.float16]) -> NDArray[np.float32]:
        """``(n, width)`` of length 1: the product of two rows is their cosine. Rows without this half stay zero."""
        seen = np.asarray(features, np.float32)
        return _unit(np.where(np.any(seen, axis=1)[:, None], seen - self.centre, np.float32(0.0)))

    def reduced(self, features: NDArray[np.float16]) -> NDArray[np.float32]:
        """``(n, DIMENSIONS)`` of length 1: the product of two rows is about their cosine."""
        return _unit(self.centred(features) @ self.basis)


BLOCK = 1024
"""Rows whose features are in memory at a time."""


def _blocks(rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    return (rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK))


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.where(lengths > _LEAST_LENGTH, rows / np.maximum(lengths, _LEAST_LENGTH), np.float32(0.0))


@dataclass(frozen=True, slots=True)
class Piece:
    """The rows of one segment that may be shown.

    Attributes:
        segment: its name.
        length: rows of the whole segment.
        places: ``(m,)`` their rows in the segment, ascending.
        codes: ``(m,)`` prdtypecode.
        photographed: ``(m,)`` bool.
        vectors: reduced features, ``(m, DIMENSIONS)`` each; a feature whose file is not there is missing.
        files: by feature, where the whole features lie.
    """

    segment: str
    length: int
    places: NDArray[np.intp]
    codes: NDArray[np.int64]
    photographed: NDArray[np.bool_]
    vectors: Vectors
    files: Mapping[str, Path]

    def seen_by(self, vectors: Vectors, files: Mapping[str, Path]) -> "Piece":
        """The same piece with the features of more encoders."""
        return replace(self, vectors={**self.vectors, **vectors}, files={**self.files, **files})

    def without(self, dead: Iterable[int]) -> "Piece":
        """The same piece without some rows of the segment."""
        stays = ~np.isin(self.places, list(dead))
        return replace(
            self,
            places=self.places[stays],
            codes=self.codes[stays],
            photographed=self.photographed[stays],
            vectors={feature: rows[stays] for feature, rows in self.vectors.items()},
        )


def reduce_rows(space: Space, features: NDArray[np.float16], places: NDArray[np.intp]) -> Iterator[NDArray[np.float32]]:
    """Reduced features of some rows of ``(n, width)``, block by block, so that whoever asks may rest in between."""
    return (space.reduced(features[block]) for block in _blocks(places))


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A labelled row that is like a product.

    Attributes:
        address: where the row stands.
        prdtypecode: its label.
        text: likeness of the texts, the cosine of the centred features: -1..1, 1 the same; the mean where several
            encoders read them. None where one of the two has no text, or no features.
        image: the same of the photos.
        similarity: the mean over the halves of the product; a half that the row lacks counts 0.
    """

    address: RowAddress
    prdtypecode: int
    text: float | None
    image: float | None
    similarity: float


@dataclass(frozen=True, slots=True)
class Index:
    """All rows that may be shown, reduced. It never changes; a newer one takes its place.

    Attributes:
        encoders: the encoder's sha by feature, for which it holds.
        manifest: number of the manifest it was made of.
        pieces: by segment, in the store's order.
        spaces: by feature; missing where no file of that feature was found.
    """

    encoders: Mapping[str, str]
    manifest: int
    pieces: Mapping[str, Piece]
    spaces: Mapping[str, Space]

    @property
    def rows(self) -> int:
        """Rows that may be shown."""
        return sum(len(piece.places) for piece in self.pieces.values())

    def searched(self, features: Iterable[str]) -> int:
        """Rows that can be compared by at least one of some features."""
        asked = set(features)
        return sum(len(piece.places) for piece in self.pieces.values() if asked & piece.vectors.keys())

    def halves_of(self, features: Iterable[str]) -> frozenset[Modality]:
        """The halves of a product that some features are compared by."""
        return frozenset(FEATURES[feature] for feature in features if feature in self.spaces)

    def nearest(self, features: Mapping[str, NDArray[np.float16]], count: int, view: View) -> list[Neighbour]:
        """The rows most like a product, best first.

        Args:
            features: of the product, by name, ``(1, width)`` float16; without those of a half that it lacks.
            count: how many rows are wanted.
            view: what counts now; rows retracted since the index was made are left out.
        """
        known = {feature: seen for feature, seen in features.items() if feature in self.spaces}
        reduced = {feature: self.spaces[feature].reduced(seen)[0] for feature, seen in known.items()}
        whole = {feature: self.spaces[feature].centred(seen)[0] for feature, seen in known.items()}
        compared = [one for piece, best in self._best(reduced, count) for one in self._compare(piece, best, whole)]
        comparable = [one for one in compared if one.text is not None or one.image is not None]
        return sorted(
            (one for one in comparable if view.holds(one.address)), key=lambda one: (-one.similarity, one.address)
        )

    def _best(self, reduced: Mapping[str, NDArray[np.float32]], count: int) -> Iterator[tuple[Piece, NDArray[np.intp]]]:
        """The most alike rows by their reduced features, piece by piece."""
        pieces = [piece for piece in self.pieces.values() if reduced.keys() & piece.vectors.keys()]
        scores = np.concatenate([np.zeros(0, np.float32), *(_score(piece, reduced) for piece in pieces)])
        if not len(scores):
            return
        best = np.sort(np.argpartition(-scores, min(count, len(scores)) - 1)[:count])
        starts = np.cumsum([0, *(len(piece.places) for piece in pieces)])
        which = np.searchsorted(starts, best, side="right") - 1
        for one in np.unique(which):
            yield pieces[one], best[which == one] - starts[one]

    def _compare(
        self, piece: Piece, rows: NDArray[np.intp], whole: Mapping[str, NDArray[np.float32]]
    ) -> Iterator[Neighbour]:
        """Some rows of a piece, compared by their whole features."""
        cosines = {feature: self._cosines(piece, rows, feature, own) for feature, own in whole.items()}
        asked = len({FEATURES[feature] for feature in whole})
        for at, row in enumerate(rows):
            said = {feature: float(each[at]) for feature, each in cosines.items() if not np.isnan(each[at])}
            text, image = (
                _mean(value for name, value in said.items() if FEATURES[name] is half) for half in (TEXT, IMAGE)
            )
            similarity = ((text or 0.0) + (image or 0.0)) / asked
            yield Neighbour(_address(piece, row), int(piece.codes[row]), text, image, similarity)

    def _cosines(
        self, piece: Piece, rows: NDArray[np.intp], feature: str, own: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """``(rows,)`` in -1..1; NaN for rows without this half, or whose file retention has taken since."""
        space, stored = self.spaces[feature], None
        if feature in piece.files:
            stored = load(piece.files[feature], piece.length, len(space.centre))
        if stored is None:
            return np.full(len(rows), np.nan, np.float32)
        theirs = stored[piece.places[rows]]
        return np.where(theirs.any(axis=1), np.clip(space.centred(theirs) @ own, -1.0, 1.0), np.float32(np.nan))

    def typical(self, code: int, count: int) -> list[RowAddress]:
        """Rows of a category, those nearest to its mean first, photographed ones before the others.

        Without features in the store's order.
        """
        own = [(piece, np.flatnonzero(piece.codes == code)) for piece in self.pieces.values()]
        means = self._means(own)
        ranked = [
            (not piece.photographed[at], -float(score), _address(piece, int(at)))
            for piece, rows in own
            for at, score in zip(rows, _score_rows(piece, rows, means), strict=True)
        ]
        return [address for *_, address in sorted(ranked)[:count]]

    def _means(self, own: Sequence[tuple[Piece, NDArray[np.intp]]]) -> dict[str, NDArray[np.float32]]:
        sums: dict[str, NDArray[np.float32]] = {}
        for piece, rows in own:
            for feature, vectors in piece.vectors.items():
                sums[feature] = sums.get(feature, np.zeros(DIMENSIONS, np.float32)) + vectors[rows].sum(axis=0)
        return {feature: _unit(total[None])[0] for feature, total in sums.items()}


def _mean(values: Iterable[float]) -> float | None:
    """None of no values."""
    known = list(values)
    return sum(known) / len(known) if known else None


def _address(piece: Piece, at: int) -> RowAddress:
    return RowAddress(piece.segment, int(piece.places[at]))


def _score(piece: Piece, asked: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    return _score_rows(piece, slice(None), asked)


def _score_rows(
    piece: Piece, rows: NDArray[np.intp] | slice, asked: Mapping[str, NDArray[np.float32]]
) -> NDArray[np.float32]:
    """The mean likeness of each half, summed, ``(rows,)``: a half counts the same however many encoders read it."""
    scores = np.zeros(len(piece.places[rows]), np.float32)
    readers = {half: sum(FEATURES[feature] is half for feature in asked) for half in (TEXT, IMAGE)}
    for feature, vector in asked.items():
        if feature in piece.vectors:
            scores += (piece.vectors[feature][rows] @ vector) / readers[FEATURES[feature]]
    return scores
