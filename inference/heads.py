"""Linear heads: an expert's features to logits, in numpy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from inference.lexical import LexicalRule, LexicalSpace

Arrays = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class DenseHead:
    """Standardised features times a matrix.

    Attributes:
        mean: ``(d,)`` float32, of the training rows' features.
        scale: ``(d,)`` float32, their standard deviation, above zero.
        weight: ``(d, classes)`` float32.
        bias: ``(classes,)`` float32.
    """

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def logits(self, features: NDArray[np.float16]) -> NDArray[np.float64]:
        """``(n, classes)`` for ``(n, d)`` features as they come out of the cache or an encoder."""
        return self.standardise(features).astype(np.float64) @ self.weight + self.bias

    def standardise(self, features: NDArray[np.float16]) -> NDArray[np.float32]:
        """``(n, d)`` with the training rows' mean at 0 and their deviation at 1."""
        return (features.astype(np.float32) - self.mean) / self.scale

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the arrays to package, by name."""
        return {"mean": self.mean, "scale": self.scale, "weight": self.weight, "bias": self.bias}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Read back what ``to_arrays`` returned; raises KeyError when one is missing."""
        return cls(arrays["mean"], arrays["scale"], arrays["weight"], arrays["bias"])


@dataclass(frozen=True, slots=True)
class LexicalHead:
    """Weighed n-grams times a matrix.

    Attributes:
        space: the n-grams.
        weight: ``(k, classes)`` float32.
        bias: ``(classes,)`` float32.
    """

    space: LexicalSpace
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def logits(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """``(len(texts), classes)`` for texts as ``preprocessing.text.compose`` returns them."""
        return self.logits_of(self.space.rule.count(texts))

    def logits_of(self, counts: sparse.csr_array) -> NDArray[np.float64]:
        """The same for texts that ``space.rule`` has counted."""
        return (self.space.weigh(counts) @ self.weight).astype(np.float64) + self.bias

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the arrays to package, by name; the rule goes into the spec."""
        return {"buckets": self.space.buckets, "idf": self.space.idf, "weight": self.weight, "bias": self.bias}

    @classmethod
    def from_arrays(cls, arrays: Arrays, rule: LexicalRule) -> Self:
        """Read back what ``to_arrays`` returned; raises KeyError when one is missing."""
        return cls(LexicalSpace(rule, arrays["buckets"], arrays["idf"]), arrays["weight"], arrays["bias"])
