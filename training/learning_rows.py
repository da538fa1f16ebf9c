"""The rows a training learns from, and the parts they are dealt into."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.domain.splits import Split
from core.domain.taxonomy import Taxonomy
from core.errors import Invalid
from core.store.rows import TrainingRow
from inference.fusion_model import Inputs
from training.features import FeatureSet

_HALVES = 2


class TooFewRows(Invalid):
    """There is nothing to tell apart: fewer than two classes have training rows."""

    code = "training.too_few_rows"


@dataclass(frozen=True, slots=True)
class TrainingData:
    """A snapshot as the fusion model sees it; row i of everything is the same product.

    Attributes:
        inputs: features, texts and which halves are there.
        codes: ``(n,)`` int64, accepted codes.
        splits: of each row.
        clusters: of each row: copies of one product share theirs.
        taxonomy_codes: every active code, ascending: the columns of the model's answers.
    """

    inputs: Inputs
    codes: NDArray[np.int64]
    splits: Sequence[str]
    clusters: Sequence[str]
    taxonomy_codes: tuple[int, ...]

    @classmethod
    def of(cls, rows: Sequence[TrainingRow], features: FeatureSet, taxonomy: Taxonomy) -> Self:
        """Join a snapshot's rows with their features."""
        return cls(
            inputs=Inputs(features.arrays, features.texts, features.has_text, features.has_image),
            codes=np.array([row.prdtypecode for row in rows], dtype=np.int64),
            splits=[row.split for row in rows],
            clusters=[row.cluster for row in rows],
            taxonomy_codes=taxonomy.codes,
        )


@dataclass(frozen=True, slots=True)
class LearningRows:
    """What of it may be learnt from: ``train`` and ``validation``, nothing measured is among them.

    Attributes:
        places: ``(n,)`` intp, positions of these rows in the snapshot's data, ascending.
        inputs: of these rows only.
        present: ``(classes,)`` positions in the taxonomy of the codes that have training rows, ascending.
        labels: ``(n,)`` intp, each row's column among ``present``.
        train: ``(n,)`` bool; the others are ``validation``.
        parts: ``(n,)`` intp, the part each row is dealt into, -1 for none; copies of one product share theirs.
        folds: number of parts.
    """

    places: NDArray[np.intp]
    inputs: Inputs
    present: NDArray[np.intp]
    labels: NDArray[np.intp]
    train: NDArray[np.bool_]
    parts: NDArray[np.intp]
    folds: int

    @classmethod
    def choose(cls, data: TrainingData, *, folds: int, seed: int) -> Self:
        """Pick and deal the rows. Validation rows of classes without training rows are left out.

        Args:
            data: the snapshot.
            folds: parts to deal rows into. With 0, every head learns from all training rows, and the validation rows
                are dealt into halves for the fusion, which learns from these alone.
            seed: of the dealing.

        Raises:
            TooFewRows: fewer than two classes of the taxonomy have training rows.
        """
        splits, codes = np.array(data.splits, dtype=str), np.array(data.taxonomy_codes)
        train = (splits == Split.TRAIN) & np.isin(data.codes, codes)
        present = np.flatnonzero(np.isin(codes, data.codes[train]))
        if len(present) < 2:
            raise TooFewRows(
                f"at least two classes need training rows. Received: {codes[present].tolist()}; import more products, "
                "or validate some of other classes and append them"
            )
        known = np.isin(data.codes, codes[present])
        rows = np.flatnonzero(train | ((splits == Split.VALIDATION) & known))
        labels = np.searchsorted(codes[present], data.codes[rows])
        clusters = [data.clusters[row] for row in rows]
        dealt = np.ones(len(rows), bool) if folds else ~train[rows]
        parts = np.full(len(rows), -1)
        kept = [cluster for cluster, chosen in zip(clusters, dealt, strict=True) if chosen]
        parts[dealt] = deal(kept, labels[dealt], folds=folds or _HALVES, seed=seed)
        return cls(rows, take(data.inputs, rows), present, labels, train[rows], parts, folds)

    @property
    def classes(self) -> int:
        """Number of classes with training rows."""
        return len(self.present)

    def only(self, places: NDArray[np.intp]) -> Self:
        """Some of the rows, in the order given."""
        return replace(
            self,
            places=self.places[places],
            inputs=take(self.inputs, places),
            labels=self.labels[places],
            train=self.train[places],
            parts=self.parts[places],
        )

    def learns(self, part: int | None) -> NDArray[np.bool_]:
        """``(n,)`` whether the head that leaves ``part`` out learns from a row; None leaves nothing out."""
        return self.train & (self.parts != part) if part is not None else self.train


def deal(clusters: Sequence[str], labels: NDArray[np.intp], *, folds: int, seed: int) -> NDArray[np.intp]:
    """Deal rows into parts of like size and like classes, clusters whole: ``(n,)`` intp in [0, folds).

    Clusters are shuffled within the class of their first row and dealt out in turn, class after class; so a class
    of k clusters lies in min(k, folds) parts.
    """
    _, first, cluster_of = np.unique(np.array(clusters, dtype=str), return_index=True, return_inverse=True)
    shuffled = np.random.default_rng(seed).permutation(len(first))
    order = shuffled[np.argsort(labels[first[shuffled]], kind="stable")]
    part_of_cluster = np.empty(len(first), dtype=np.intp)
    part_of_cluster[order] = np.arange(len(first)) % folds
    return part_of_cluster[cluster_of]


def take(inputs: Inputs, rows: NDArray[np.intp]) -> Inputs:
    """The same for some rows, in the order given."""
    features = {name: array[rows] for name, array in inputs.features.items()}
    return Inputs(features, [inputs.texts[row] for row in rows], inputs.has_text[rows], inputs.has_image[rows])
