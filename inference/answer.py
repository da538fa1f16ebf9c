"""What a model says of one product."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.domain.product import Modality
from core.errors import Invalid

Ranking = tuple[tuple[int, float], ...]
"""``(prdtypecode, probability)`` pairs, likeliest first."""


class CannotAnswer(Invalid):
    """The product has nothing that this model can read: no text with a letter or sign in it, no photo it knows."""

    code = "model.cannot_answer"


@dataclass(frozen=True, slots=True)
class Answer:
    """A suggestion with what it rests on.

    Attributes:
        prdtypecode: the likeliest class.
        confidence: its calibrated probability, in [0, 1].
        top_k: the likeliest classes of the fusion.
        experts: the likeliest classes of each expert that had something to read.
        modality: the halves of the product that were read.
        text: the likeliest classes by the text alone; None where there is none, or nothing was learnt from text alone.
        image: the same of the photo.
    """

    prdtypecode: int
    confidence: float
    top_k: Ranking
    experts: dict[str, Ranking]
    modality: Modality
    text: Ranking | None
    image: Ranking | None


def rank(probabilities: NDArray[np.float64], codes: Sequence[int], top_k: int) -> Ranking:
    """The ``top_k`` likeliest of ``codes`` by their ``(len(codes),)`` probabilities; equals in the order of codes."""
    best = np.argsort(-probabilities, kind="stable")[:top_k]
    return tuple((codes[column], float(probabilities[column])) for column in best)
