"""The rows on which models are compared, and a model's answers to them."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.domain.product import Modality, Product
from core.domain.splits import Split
from core.errors import Invalid
from core.store.rows import TrainingRow
from core.store.snapshot import Snapshot
from inference.model import ServedModel
from preprocessing.images import ImageFolder
from training.evaluate import Evaluation, evaluate
from training.features import FeatureSet
from training.gate import Answers, Rows
from training.selective import thresholds_of

_TIMED = 21  # products answered one at a time by both models


class NothingToJudgeOn(Invalid):
    """The snapshot has neither hold-out nor fresh rows."""

    code = "gate.no_rows"


@dataclass(frozen=True, slots=True)
class Exam:
    """Hold-out and fresh rows of a snapshot.

    Attributes:
        snapshot: whose rows they are.
        places: ``(n,)`` their positions in ``snapshot.rows``, ascending.
        rows: what the gate compares by: truth, clusters, which belong to the frozen hold-out.
    """

    snapshot: Snapshot
    places: NDArray[np.intp]
    rows: Rows

    @classmethod
    def of(cls, snapshot: Snapshot) -> Self:
        """Every hold-out and fresh row.

        Raises:
            NothingToJudgeOn: there is none.
        """
        splits = np.array([row.split for row in snapshot.rows], dtype=str)
        places = np.flatnonzero(np.isin(splits, [Split.HOLDOUT, Split.FRESH]))
        if not len(places):
            raise NothingToJudgeOn(
                f"manifest {snapshot.manifest.number} has neither hold-out nor fresh rows: import a larger catalogue "
                "(a fifth of it is set aside to measure by), or validate more products (a tenth of them)"
            )
        chosen = [snapshot.rows[place] for place in places]
        truth = np.array([row.prdtypecode for row in chosen], dtype=np.int64)
        return cls(snapshot, places, Rows(truth, [row.cluster for row in chosen], splits[places] == Split.HOLDOUT))

    def products(self, images: Path) -> list[Product]:
        """Some of its products as a seller sends them, spread over all of it; those with nothing to read are left out.

        Raises:
            MissingImage: a photo is not in ``images``.
        """
        rows = [self.snapshot.rows[place] for place in self.places]
        readable = [row for row in rows if row.image_sha256 or row.designation.strip()]
        return [as_product(row, images) for row in readable[:: max(1, len(readable) // _TIMED)][:_TIMED]]


@dataclass(frozen=True, slots=True)
class Sitting:
    """One model's answers to an exam.

    Attributes:
        model: who answered.
        scores: how well.
        answers: likeliest code and confidence of each row.
    """

    model: ServedModel
    scores: Evaluation
    answers: Answers


def sit(model: ServedModel, exam: Exam, features: FeatureSet) -> Sitting:
    """Let a model answer, from features of the exam's rows by the model's own encoders."""
    has_text, has_image = features.has_text, features.has_image
    nothing = np.zeros(len(has_text), dtype=bool)

    def answer(text: NDArray[np.bool_], image: NDArray[np.bool_]) -> NDArray[np.float64]:
        return model.probabilities_from_features(features.arrays, features.texts, image, text)

    probabilities = answer(has_text, has_image)
    halves = {Modality.TEXT_ONLY: (has_text, nothing), Modality.IMAGE_ONLY: (nothing, has_image)}
    scores = evaluate(
        exam.rows.truth,
        probabilities,
        model.codes,
        has_text=has_text,
        has_image=has_image,
        clusters=exam.rows.clusters,
        texts=features.texts,
        alone={half: answer(*those) for half, those in halves.items() if half.value in model.spec["blends"]},
        thresholds=thresholds_of(model.spec, has_text, has_image) if "thresholds" in model.spec else None,
    )
    return Sitting(model, scores, Answers.of(probabilities, model.codes))


@dataclass(frozen=True, slots=True)
class Latency:
    """How long two models take for one answer.

    Attributes:
        relative: how many times the champion's time the challenger takes; 1.0 where nothing was timed.
        challenger_s, champion_s: median seconds; None where nothing was timed.
    """

    relative: float = 1.0
    challenger_s: float | None = None
    champion_s: float | None = None


def time_answers(challenger: ServedModel, champion: ServedModel, products: Sequence[Product]) -> Latency:
    """Let two models answer some products, one at a time.

    Both answer a product one right after the other, taking turns at being first, and the median of these pairs'
    ratios counts: what else the machine does hits both.
    """
    if not products:
        return Latency()
    pairs = []
    for turn, product in enumerate([products[0], *products]):
        pair = (challenger, champion) if turn % 2 else (champion, challenger)
        seconds = {model.sha: _seconds(model, product) for model in pair}
        pairs.append((seconds[challenger.sha], seconds[champion.sha]))
    timed = pairs[1:]  # the first pair warms up
    relative = statistics.median(new / old for new, old in timed)
    return Latency(relative, *(statistics.median(each) for each in zip(*timed, strict=True)))


def _seconds(model: ServedModel, product: Product) -> float:
    started = time.perf_counter()
    model.predict([product])
    return time.perf_counter() - started


def as_product(row: TrainingRow, images: Path) -> Product:
    """A training row as a seller sent it, with its sanitised photo.

    Raises:
        MissingImage: the photo is not in ``images``.
    """
    photo = ImageFolder(images).get(row.image_sha256) if row.image_sha256 else None
    return Product(row.designation, row.description or None, photo)
