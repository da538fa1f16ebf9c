"""The family of models: who is in which, and how each expert is trained.

``docs/adding-a-model.md`` adds one to the tables here and in ``inference.family``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.errors import Invalid
from inference.family import features_read
from inference.heads import DenseHead, Head
from training.concat import fit_concat
from training.config import FusionConfig
from training.experts import FittedExpert, fit_lexical, fit_logistic, fit_softmax
from training.growth.experts import Start, grow_logistic, grow_softmax
from training.learning_rows import LearningRows
from training.word_nets import export_word_net, fit_word_net

STACKED, MIXTURE, ALONE = "stacked", "mixture", "alone"
"""How experts become one answer: log-probabilities added up by class, probabilities mixed, or there is only one."""

Fit = Callable[[str, LearningRows, FusionConfig], FittedExpert]
"""Trains the expert of a name on rows of at least two classes that it can read."""

Grow = Callable[[str, LearningRows, FusionConfig, DenseHead | None], FittedExpert]
"""The same on a large store, from the weights of a known head (None: from nothing)."""


class UnknownModel(Invalid):
    """No recipe has this name."""

    code = "training.unknown_model"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is made.

    Attributes:
        name: under which it is trained, released and asked for.
        experts: in the order they are trained in.
        blend: ``STACKED``, ``MIXTURE`` or ``ALONE``.
    """

    name: str
    experts: tuple[str, ...]
    blend: str

    @property
    def features(self) -> tuple[str, ...]:
        """The cached features it needs."""
        return features_read(self.experts)


@dataclass(frozen=True, slots=True)
class Trainer:
    """How an expert is trained.

    Attributes:
        fit: trains it.
        export: writes what its head needs beside its arrays into a package's folder, which has the arrays already;
            None where arrays are all there is.
        grow: trains it on a large store; None where ``fit`` does, without leaving anything out.
    """

    fit: Fit
    export: Callable[[Head, Path], None] | None = None
    grow: Grow | None = None


TRAINERS: dict[str, Trainer] = {
    "lexical": Trainer(fit_lexical),
    "appearance": Trainer(fit_logistic, grow=grow_logistic),
    **{
        name: Trainer(fit_softmax, grow=grow_softmax)
        for name in ("bert", "resnet50", "xception", "inceptionv3", "vgg16")
    },
    "concat": Trainer(fit_concat),
    **{name: Trainer(fit_word_net, export_word_net) for name in ("simple-dnn", "conv1d", "bigru")},
}
"""How each expert of ``inference.family.EXPERTS`` is trained."""

RECIPES: dict[str, Recipe] = {
    "fusion": Recipe("fusion", ("lexical", "bert", "appearance", "resnet50"), STACKED),
    "fusion-concat": Recipe("fusion-concat", ("concat",), ALONE),
    "fusion-weighted": Recipe("fusion-weighted", (), MIXTURE),
    **{name: Recipe(name, (name,), ALONE) for name in TRAINERS if name != "concat"},
}
"""Every model by name. The experts of ``fusion-weighted`` are named in the configuration."""


def recipe_of(name: str, config: FusionConfig) -> Recipe:
    """The recipe of a model under a configuration; raises UnknownModel."""
    if name not in RECIPES:
        raise UnknownModel(f"a model is one of {', '.join(sorted(RECIPES))}. Received: {name!r}")
    recipe = RECIPES[name]
    return recipe if recipe.experts else replace(recipe, experts=config.mixture.experts)


def fit_expert(name: str, data: LearningRows, config: FusionConfig, start: Start | None = None) -> FittedExpert | None:
    """Train one expert; rows that are dealt into no parts are those of a large store.

    Returns:
        None when its training rows show fewer than two classes: then it has nothing to say.
    """
    rows = data.inputs.rows_for(name)
    if len(np.unique(data.labels[rows[data.train[rows]]])) < 2:
        return None
    trainer = TRAINERS[name]
    if data.folds or trainer.grow is None:
        return trainer.fit(name, data, config)
    return trainer.grow(name, data, config, start.head(name, data.present) if start else None)
