"""Several experts' logits to one calibrated probability per class: pure numpy, float64.

Each expert's logits are divided by its temperature, turned into log-probabilities and cut off below. A blend adds
them up with one weight per expert *and class* (whom to trust about what) and a bias per class, or mixes their
probabilities with one weight per expert; divides by one last temperature and normalises. There is a blend for each
set of halves that a product can have, so that an answer from the title alone is as calibrated as one from both.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.domain.product import Modality

LOG_LINEAR, MIXTURE = "log-linear", "mixture"
"""Kinds of blend: weights on log-probabilities, or on probabilities."""


def log_softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Normalise over the last axis: the exponentials of the result sum to 1."""
    shifted = scores - scores.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


@dataclass(frozen=True, slots=True)
class Blend:
    """What some experts say together.

    Attributes:
        experts: their names, one for each row of ``weight``.
        weight: ``(experts, classes)`` float64; in a mixture ``(experts, 1)``, not below zero, summing to 1.
        bias: ``(classes,)`` float64.
        temperature: divides the sum, above zero.
        kind: ``LOG_LINEAR`` or ``MIXTURE``.
    """

    experts: tuple[str, ...]
    weight: NDArray[np.float64]
    bias: NDArray[np.float64]
    temperature: float
    kind: str = LOG_LINEAR

    def __post_init__(self) -> None:
        if self.kind not in (LOG_LINEAR, MIXTURE):
            raise ValueError(f"a blend is {LOG_LINEAR} or a {MIXTURE}. Received: {self.kind!r}")

    def log_probabilities(self, said: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """``(n, classes)`` for the ``(n, classes)`` log-probabilities of each expert."""
        return log_softmax((self._sum(said) + self.bias) / self.temperature)

    def _sum(self, said: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        pairs = zip(self.experts, self.weight, strict=True)
        if self.kind == MIXTURE:
            return np.log(sum(np.exp(said[expert]) * share for expert, share in pairs))
        return sum(said[expert] * row for expert, row in pairs)


@dataclass(frozen=True, slots=True)
class Fusion:
    """Everything between logits and probabilities.

    Attributes:
        temperatures: of each expert, above zero.
        floor: log-probabilities below it count as it; nobody may be surer than this that a class is wrong.
        blends: by the halves of a product; a set of halves that the training rows never showed has none.
    """

    temperatures: Mapping[str, float]
    floor: float
    blends: Mapping[Modality, Blend]

    def calibrate(self, expert: str, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """One expert's ``(n, classes)`` logits to log-probabilities, not yet cut off."""
        return log_softmax(logits / self.temperatures[expert])

    def fuse(self, modality: Modality, said: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """``(n, classes)`` probabilities from the calibrated log-probabilities of (at least) the blend's experts."""
        cut = {expert: np.maximum(said[expert], self.floor) for expert in self.blends[modality].experts}
        return np.exp(self.blends[modality].log_probabilities(cut))

    def blend_for(self, *, has_text: bool, has_image: bool) -> Modality | None:
        """The blend for a product: of both halves where both are there and known, else of the one that is.

        None when nothing that the product has was learnt from.
        """
        wanted = [Modality.TEXT_AND_IMAGE] if has_text and has_image else []
        wanted += [Modality.TEXT_ONLY] if has_text else []
        wanted += [Modality.IMAGE_ONLY] if has_image else []
        return next((modality for modality in wanted if modality in self.blends), None)
