"""Labelled products as evidence: those most like one in question, and those that are typical of a category."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session, sessionmaker

from api.evidence.keeper import IndexKeeper
from api.predictions.admission import Admission
from api.serving.engine import Predictor, ServingEngine
from core.db.models import Prediction
from core.db.repositories import labelled
from core.domain.product import Modality, Product
from core.errors import NotFound, Unavailable
from core.store.rows import TrainingRow
from core.store.shelf import RowAddress, Shelf
from preprocessing.images import ImageFolder, MissingImage

if TYPE_CHECKING:
    from inference.neighbours import Neighbour

SHOWN = 6
_LOOKED_AT = 96  # compared by their whole features; some of them may have been retracted a moment ago
_PATIENCE_S = 2.0  # for whoever asked before
_REMEMBERED = 128  # products whose features are kept: 12 KB each

_Features = dict[str, NDArray[np.float16]]


class EvidenceBusy(Unavailable):
    """Predictions, or somebody else's question, go first; ask again in a moment."""

    code = "evidence.busy"

    def __init__(self) -> None:
        super().__init__("Looking for labelled products like this one has to wait; try again.")


class UnknownRow(NotFound):
    """There is no such row in the training store, or it does not count any more, or it has no photo."""

    code = "evidence.unknown_row"

    def __init__(self) -> None:
        super().__init__("The training store has no such row, or no photo of it.")


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A labelled row with where it stands; ``like`` is how like the product in question it is, None for an example."""

    address: RowAddress
    row: TrainingRow
    like: "Neighbour | None" = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the training store says of a product.

    Attributes:
        rows: the labelled rows most like it, best first.
        compared: the halves of it that rows were compared by.
        searched: how many rows could be compared.
        of: how many rows of the split ``train`` there are; None while they have not been counted.
    """

    rows: Sequence[ShownRow]
    compared: frozenset[Modality]
    searched: int
    of: int | None

    @property
    def by_code(self) -> list[tuple[int, int]]:
        """How many of the rows have each label; the most frequent first."""
        return sorted(Counter(one.row.prdtypecode for one in self.rows).items(), key=lambda one: (-one[1], one[0]))


class EvidenceDesk:
    """Answers questions about labelled rows, one search at a time and only while no prediction waits.

    Args:
        readers: sessions for asking which labels still stand.
        serving: the release whose model says what a product looks like.
        shelf: the training store's rows.
        keeper: the index of them.
        images: the photos of staged products.
        admission: the predictions' queue.

    Attributes:
        keeper: the index of the rows.
    """

    def __init__(
        self,
        readers: sessionmaker[Session],
        serving: ServingEngine,
        shelf: Shelf,
        keeper: IndexKeeper,
        images: ImageFolder,
        admission: Admission,
    ) -> None:
        self._readers = readers
        self._serving = serving
        self._shelf = shelf
        self.keeper = keeper
        self._images = images
        self._admission = admission
        self._searching = threading.Lock()
        self._seen: OrderedDict[tuple[str, str], _Features] = OrderedDict()

    def nearest(self, asked: Prediction) -> Evidence:
        """The labelled rows most like a product. Where features are missing, what there is was searched.

        Raises:
            NoRelease: nothing is served yet.
            EvidenceBusy: ask again in a moment.
            CorruptManifest, CorruptSegment: the training store was changed.
        """
        _, model = self._serving.release().model(None)
        index, view = self.keeper.index, self._shelf.view()
        if index is None or view is None or index.encoders != model.encoders:
            return Evidence((), frozenset(), 0, None if view else 0)
        with self._alone():
            features = {name: seen for name, seen in self._look_at(asked, model).items() if name in index.spaces}
            found = index.nearest(features, _LOOKED_AT, view)
        rows = self._take(((one.address, one) for one in found), apart_from=asked.id)
        return Evidence(rows[:SHOWN], index.halves_of(features), index.searched(features), index.rows)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._admission.waiting or not self._searching.acquire(timeout=_PATIENCE_S):
            raise EvidenceBusy
        try:
            yield
        finally:
            self._searching.release()

    def _look_at(self, asked: Prediction, model: Predictor) -> _Features:
        """The product's features by name, without those of a half that it lacks. A product never changes."""
        key = (asked.id, model.sha)
        if key not in self._seen:
            self._seen[key] = self._encode(asked, model)
            while len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
        self._seen.move_to_end(key)
        return self._seen[key]

    def _encode(self, asked: Prediction, model: Predictor) -> _Features:
        if not model.encoders:
            return {}
        seen = model.read([Product(asked.designation, asked.description, self._photo_of(asked))])
        return {name: row for name, row in seen.features.items() if row.any()}

    def _photo_of(self, asked: Prediction) -> bytes | None:
        if asked.image_sha256 is None:
            return None
        try:
            return self._images.get(asked.image_sha256)
        except MissingImage:  # it was erased just now: its text is what there is
            return None

    def examples(self, code: int) -> list[ShownRow]:
        """Typical rows of a category, the same ones until the store changes; of copies, one.

        Raises:
            CorruptManifest, CorruptSegment: the training store was changed.
        """
        index = self.keeper.index
        typical = index.typical(code, _LOOKED_AT) if index else []
        standing = self._take((address, None) for address in typical)
        first_of = {one.row.cluster: one for one in reversed(standing)}
        return [one for one in standing if first_of[one.row.cluster] is one][:SHOWN]

    def _take(
        self, ranked: "Iterable[tuple[RowAddress, Neighbour | None]]", *, apart_from: str | None = None
    ) -> list[ShownRow]:
        """Those rows that still count, with their texts; without the product in question itself."""
        read = [(address, self._shelf.row(address), like) for address, like in ranked]
        known = [ShownRow(address, row, like) for address, row, like in read if row is not None]
        with self._readers() as session:
            standing = set(shown_rows(session, [one.row for one in known]))
        return [one for one in known if one.row in standing and one.row.prediction_id != apart_from]

    def photo(self, address: RowAddress) -> NDArray[np.uint8]:
        """The photo of a row of any split, ``(224, 224, 3)`` uint8 RGB, as models see it.

        Raises:
            UnknownRow: there is none that counts, or it has no photo.
            CorruptManifest, CorruptSegment: the training store was changed.
        """
        row = self._shelf.row(address)
        if row is None or not row.image_sha256:
            raise UnknownRow
        with self._readers() as session:
            stands = bool(shown_rows(session, [row]))
        photo = self._shelf.photo(address) if stands else None
        if photo is None:
            raise UnknownRow
        return photo


def shown_rows(session: Session, rows: Sequence[TrainingRow]) -> list[TrainingRow]:
    """Those of some rows whose label still stands.

    A label that was retracted, corrected or erased leaves the store with the next manifest; nobody is shown it until
    then. Imported rows have no product in the database: for them the manifest says it all.
    """
    codes = labelled.codes_of(session, {row.prediction_id for row in rows if row.prediction_id})
    return [row for row in rows if not row.prediction_id or codes.get(row.prediction_id) == row.prdtypecode]
