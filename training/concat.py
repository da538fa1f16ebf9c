"""The expert that reads both halves at once: BERT's and ResNet50's features through one hidden layer, in Keras."""

import numpy as np
from numpy.typing import NDArray

from inference.family import EXPERTS, FEATURES, IMAGE, TEXT
from inference.fusion_model import Inputs
from inference.heads import MlpHead
from training.config import FusionConfig
from training.experts import FittedExpert, held_out, learning, standard, unseen_logits
from training.learning_rows import LearningRows


def fit_concat(name: str, data: LearningRows, config: FusionConfig) -> FittedExpert:
    """A dense network over features side by side; a missing half counts as average.

    In training, halves are hidden now and then, so that it learns to answer from either one alone.
    """
    from training.mlp import fit_mlp_heads  # imports TensorFlow

    rows = data.inputs.rows_for(name)
    mean, scale, widths = _standard_by_half(name, data)
    blank = MlpHead(mean, scale, *(np.zeros((0, 0), np.float32),) * 4)
    heads = fit_mlp_heads(
        blank.standardise(data.inputs.seen_by(name, rows)),
        data.labels[rows],
        learning(data, rows),
        held_out(data, rows),
        widths=widths,
        classes=data.classes,
        config=config.experts[name],
        seed=config.seed,
    )
    trained = [MlpHead(mean, scale, *layers) for layers in heads.layers]
    halves = {
        TEXT: _without(data.inputs, image=True),
        IMAGE: _without(data.inputs, text=True),
    }
    return FittedExpert(
        trained[-1],
        _unseen(name, data, data.inputs, trained),
        rows,
        heads.curves,
        {half: _unseen(name, data, inputs, trained) for half, inputs in halves.items()},
    )


def _standard_by_half(name: str, data: LearningRows) -> tuple[NDArray[np.float32], NDArray[np.float32], list[int]]:
    """Mean and deviation of each feature over the training rows that have its half, and each feature's width.

    A half that no training row has is divided by infinity: whatever is seen there later counts as average.
    """
    means, scales = [], []
    for feature in EXPERTS[name].features:
        present = data.inputs.has_text if FEATURES[feature] is TEXT else data.inputs.has_image
        known = data.inputs.features[feature]
        rows = np.flatnonzero(present & data.train)
        nothing = np.zeros(known.shape[1], np.float32), np.full(known.shape[1], np.inf, np.float32)
        mean, scale = standard(known[rows]) if len(rows) else nothing
        means.append(mean)
        scales.append(scale)
    return np.concatenate(means), np.concatenate(scales), [len(mean) for mean in means]


def _without(inputs: Inputs, *, text: bool = False, image: bool = False) -> Inputs:
    return Inputs(inputs.features, inputs.texts, inputs.has_text & (not text), inputs.has_image & (not image))


def _unseen(name: str, data: LearningRows, inputs: Inputs, trained: list[MlpHead]) -> NDArray[np.float64]:
    def say(part: int, chosen: NDArray[np.intp]) -> NDArray[np.float64]:
        return trained[part].logits(inputs.seen_by(name, chosen))

    return unseen_logits(data, inputs.rows_for(name), say)
