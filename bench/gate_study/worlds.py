"""Worlds: one way each to deal the products into base, new batch and hold-out, with the models trained in it.

Products are dealt by cluster: a third is the frozen hold-out, the rest is base (70 %) and new batch (30 %); one tenth
of the batch's clusters is ``fresh``, as in the product. A world's champion has learnt the base. Its challengers have
learnt base and batch:

    update-i       with right labels; i only changes the seed
    random-i       20 % of the batch's labels, the fresh rows' included, each replaced by any other code
    systematic-i   all of the batch's labels of some classes, 20 % of its rows, replaced by one wrong code per class
    bootstrap-i    with right labels, on rows drawn with replacement by cluster
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inference.fusion_model import FusionModel, Inputs
from training.config import FusionConfig
from training.draws import Answers
from training.family import STACKED, Recipe
from training.features import FeatureSet
from training.fit import fit_model
from training.learning_rows import TrainingData, take

HOLDOUT, FRESH, BASE, BATCH = "holdout", "fresh", "base", "batch"
FLIPPED = 0.2
CHAMPION = "champion"
CHALLENGERS = {"update": 3, "random": 2, "systematic": 1, "bootstrap": 2}
"""How many of each kind a world trains."""
RECIPE = Recipe("fusion", ("lexical", "bert", "appearance"), STACKED)
"""The fusion without its weakest expert, so that a model is trained in seconds."""
AS_THEY_ARE = "as they are"
"""The name under which answers to undisturbed products are kept."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """What trials have to know of the products; row i of everything is one product.

    Attributes:
        truth: (n,) int64 codes.
        clusters: (n,) str.
        sample: positions of the rows that are disturbed.
    """

    truth: NDArray[np.int64]
    clusters: NDArray[np.str_]
    sample: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Catalogue(Labelled):
    """What trainings have to know beside.

    Attributes:
        features: of every product as it is.
        disturbed: by disturbance; those of ``sample`` only, but for the halves, which are of all.
        taxonomy_codes: ascending.
    """

    features: FeatureSet
    disturbed: Mapping[str, FeatureSet]
    taxonomy_codes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class World:
    """A deal.

    Attributes:
        number: seeds everything in it.
        parts: (n,) str, ``base``, ``batch``, ``fresh`` or ``holdout``.
    """

    number: int
    parts: NDArray[np.str_]

    @classmethod
    def deal(cls, number: int, clusters: NDArray[np.str_]) -> "World":
        """Deal clusters whole; the same number always gives the same world."""
        names, cluster = np.unique(clusters, return_inverse=True)
        draw, again = np.random.default_rng([1, number]).random((2, len(names)))
        parts = np.where(draw < 1 / 3, HOLDOUT, np.where(draw < 0.8, BASE, np.where(again < 0.1, FRESH, BATCH)))
        return cls(number, parts[cluster])

    def labels(self, model: str, truth: NDArray[np.int64]) -> NDArray[np.int64]:
        """(n,) what the reviewers of ``model``'s batch answered; the base and the hold-out are always right."""
        kind, _, turn = model.partition("-")
        random = np.random.default_rng([2, self.number, int(turn or 0)])
        new = np.flatnonzero((self.parts == BATCH) | (self.parts == FRESH))
        if kind == "random":
            return _flip_randomly(truth, new, random)
        return _flip_classes(truth, new, random) if kind == "systematic" else truth

    def rows_learnt(self, model: str, clusters: NDArray[np.str_]) -> NDArray[np.intp]:
        """Positions of the rows ``model`` learns from; a bootstrap repeats some and leaves others out."""
        kind, _, turn = model.partition("-")
        rows = np.flatnonzero((self.parts == BASE) | ((self.parts == BATCH) & (kind != CHAMPION)))
        if kind != "bootstrap":
            return rows
        random = np.random.default_rng([3, self.number, int(turn)])
        names, cluster = np.unique(clusters[rows], return_inverse=True)
        times = np.bincount(random.integers(0, len(names), len(names)), minlength=len(names))
        return np.repeat(rows, times[cluster])


def _flip_randomly(truth: NDArray[np.int64], new: NDArray[np.intp], random: np.random.Generator) -> NDArray[np.int64]:
    codes, place = np.unique(truth, return_inverse=True)
    wrong = random.choice(new, round(FLIPPED * len(new)), replace=False)
    labels = truth.copy()
    labels[wrong] = codes[(place[wrong] + random.integers(1, len(codes), len(wrong))) % len(codes)]
    return labels


def _flip_classes(truth: NDArray[np.int64], new: NDArray[np.intp], random: np.random.Generator) -> NDArray[np.int64]:
    codes = random.permutation(np.unique(truth))
    labels = truth.copy()
    wrong = 0
    for at, code in enumerate(codes):
        rows = new[truth[new] == code]
        if wrong + len(rows) > round(FLIPPED * len(new)):
            continue
        labels[rows] = codes[(at + 1) % len(codes)]
        wrong += len(rows)
    return labels


def model_names() -> Iterator[str]:
    """Every model of a world, the champion first."""
    yield CHAMPION
    for kind, count in CHALLENGERS.items():
        yield from (f"{kind}-{turn}" for turn in range(count))


def train(world: World, model: str, catalogue: Catalogue, config: FusionConfig) -> dict[str, Answers]:
    """Train one model of a world; returns its answers to the products as they are and disturbed."""
    rows = world.rows_learnt(model, catalogue.clusters)
    kind, _, turn = model.partition("-")
    seed = config.seed + 1000 * world.number + (int(turn or 0) if kind == "update" else 0)
    seen = _training_data(catalogue, rows, world.labels(model, catalogue.truth)[rows])
    fitted = fit_model(RECIPE, seen, replace(config, seed=seed)).model
    return {name: _answers(fitted, one, catalogue) for name, one in _sittings(catalogue)}


def _training_data(catalogue: Catalogue, rows: NDArray[np.intp], labels: NDArray[np.int64]) -> TrainingData:
    """Everything is ``train``: with few rows temperatures and fusion come from out-of-fold answers anyway."""
    inputs = take(_inputs(catalogue.features), rows)
    clusters = catalogue.clusters[rows].tolist()
    return TrainingData(inputs, labels, ["train"] * len(rows), clusters, catalogue.taxonomy_codes)


def _sittings(catalogue: Catalogue) -> Iterator[tuple[str, FeatureSet]]:
    yield AS_THEY_ARE, catalogue.features
    yield from catalogue.disturbed.items()


def _inputs(features: FeatureSet) -> Inputs:
    return Inputs(features.arrays, features.texts, features.has_text, features.has_image)


def _answers(model: FusionModel, features: FeatureSet, catalogue: Catalogue) -> Answers:
    return Answers.of(model.probabilities(_inputs(features)), catalogue.taxonomy_codes)


def lighten(config: FusionConfig) -> FusionConfig:
    """The shipped configuration with three folds and fewer iterations, and BERT's head solved like appearance's."""
    logistic = replace(config.experts["appearance"], most_iterations=40)
    return replace(config, folds=3, experts={**config.experts, "appearance": logistic, "bert": logistic})


def save(path: Path, answers: Mapping[str, Answers]) -> None:
    """Keep a model's answers."""
    kept = {f"{name}.codes": one.codes for name, one in answers.items()}
    kept |= {f"{name}.confidences": one.confidences for name, one in answers.items()}
    aside = path.with_suffix(".part.npz")
    np.savez(aside, **kept)
    aside.replace(path)


def load(path: Path) -> dict[str, Answers]:
    """Read what ``save`` kept."""
    with np.load(path, allow_pickle=False) as kept:
        names = [name.removesuffix(".codes") for name in kept.files if name.endswith(".codes")]
        return {name: Answers(kept[f"{name}.codes"], kept[f"{name}.confidences"]) for name in names}
