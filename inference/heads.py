"""Heads: what an expert reads to logits, in numpy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from inference.lexical import LexicalRule, LexicalSpace

Arrays = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class StoredHead:
    """What a package holds of one head.

    Attributes:
        arrays: what its ``to_arrays`` returned.
        spec: what its ``to_spec`` returned.
        file: where the package's file of a name lies; raises CorruptPackage when it has none.
    """

    arrays: Arrays
    spec: Mapping[str, Any]
    file: Callable[[str], Path]


class Head(Protocol):
    """The trained part of an expert."""

    def logits(self, seen: Any, /) -> NDArray[np.float64]:
        """``(n, classes)`` for n rows as ``Inputs.seen_by`` returns them: texts, or features side by side."""

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the arrays to package, by name."""

    def to_spec(self) -> dict[str, Any]:
        """Return what ``spec.json`` says beside the arrays; JSON-able, empty where they say it all."""

    @classmethod
    def from_stored(cls, stored: StoredHead) -> Self:
        """Read back what was packaged; raises KeyError, TypeError or ValueError if it is not that."""


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

    def to_spec(self) -> dict[str, Any]:
        """Nothing: the arrays say it all."""
        return {}

    @classmethod
    def from_stored(cls, stored: StoredHead) -> Self:
        """Read back what was packaged; raises KeyError when an array is missing."""
        return cls(*(stored.arrays[name] for name in ("mean", "scale", "weight", "bias")))


@dataclass(frozen=True, slots=True)
class MlpHead:
    """Standardised features through one hidden layer of rectified units.

    Attributes:
        mean: ``(d,)`` float32, of the training rows' features.
        scale: ``(d,)`` float32, their standard deviation, above zero.
        hidden_weight: ``(d, units)`` float32.
        hidden_bias: ``(units,)`` float32.
        weight: ``(units, classes)`` float32.
        bias: ``(classes,)`` float32.
    """

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    hidden_weight: NDArray[np.float32]
    hidden_bias: NDArray[np.float32]
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def logits(self, features: NDArray[np.float16]) -> NDArray[np.float64]:
        """``(n, classes)`` for ``(n, d)`` features; those of a missing half are NaN and count as average."""
        hidden = np.maximum(self.standardise(features) @ self.hidden_weight + self.hidden_bias, 0)
        return hidden.astype(np.float64) @ self.weight + self.bias

    def standardise(self, features: NDArray[np.float16]) -> NDArray[np.float32]:
        """``(n, d)`` with the training rows' mean at 0 and their deviation at 1; 0 where there is NaN."""
        return np.nan_to_num((features.astype(np.float32) - self.mean) / self.scale, copy=False, nan=0.0)

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the arrays to package, by name."""
        return {name: getattr(self, name) for name in _MLP_ARRAYS}

    def to_spec(self) -> dict[str, Any]:
        """Nothing: the arrays say it all."""
        return {}

    @classmethod
    def from_stored(cls, stored: StoredHead) -> Self:
        """Read back what was packaged; raises KeyError when an array is missing."""
        return cls(*(stored.arrays[name] for name in _MLP_ARRAYS))


_MLP_ARRAYS = ("mean", "scale", "hidden_weight", "hidden_bias", "weight", "bias")


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

    def to_spec(self) -> dict[str, Any]:
        """The rule by which texts are counted."""
        return self.space.rule.to_dict()

    @classmethod
    def from_stored(cls, stored: StoredHead) -> Self:
        """Read back what was packaged; raises KeyError or TypeError if it is not that."""
        arrays, rule = stored.arrays, LexicalRule(**stored.spec)
        return cls(LexicalSpace(rule, arrays["buckets"], arrays["idf"]), arrays["weight"], arrays["bias"])
