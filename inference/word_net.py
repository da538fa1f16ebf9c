"""Neural networks over words: hashed ids in, an exported graph's logits out."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from inference.heads import StoredHead
from inference.openvino_graph import OpenVinoGraph
from preprocessing.text import normalised

_BATCH = 64


class Graph(Protocol):
    """Computes logits of ids: OpenVINO's graph in serving, Keras's model while it is trained."""

    def run(self, *, ids: NDArray[np.int32]) -> NDArray[np.float32]:
        """``(n, classes)`` for ``(n, words)`` ids."""


@dataclass(frozen=True, slots=True)
class WordRule:
    """How a text becomes ids; part of a package's spec. Hashing keeps no vocabulary to fit or to ship.

    Attributes:
        words: ids of each text; a longer text keeps three quarters of them from its beginning, the rest from its end.
        bits: words fall into the ids 1 to ``2 ** bits - 1``; id 0 is padding, on the right.
    """

    words: int
    bits: int

    def to_dict(self) -> dict[str, int]:
        """Return the plain form that ``spec.json`` holds."""
        return asdict(self)

    @property
    def buckets(self) -> int:
        """Number of ids, padding included."""
        return 2**self.bits

    def ids(self, texts: Sequence[str]) -> NDArray[np.int32]:
        """``(len(texts), words)`` int32 for composed texts: words without case, accents and punctuation."""
        ids = np.zeros((len(texts), self.words), np.int32)
        head = self.words * 3 // 4
        for row, text in enumerate(texts):
            words = normalised(text, None).split()
            if len(words) > self.words:
                words = words[:head] + words[head - self.words :]
            ids[row, : len(words)] = [1 + zlib.crc32(word.encode()) % (self.buckets - 1) for word in words]
        return ids


@dataclass(frozen=True, slots=True)
class WordNetHead:
    """A network over words.

    Attributes:
        name: of the expert, which names the package's file ``openvino/<name>.xml`` too.
        rule: how texts become ids.
        arrays: the network's weights by ``layer.variable``: what a package is known by.
        graph: the same network, ready to run.
    """

    name: str
    rule: WordRule
    arrays: Mapping[str, NDArray[np.generic]]
    graph: Graph

    def logits(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """``(len(texts), classes)`` for texts as ``preprocessing.text.compose`` returns them."""
        return self.logits_of(self.rule.ids(texts))

    def logits_of(self, ids: NDArray[np.int32]) -> NDArray[np.float64]:
        """The same for at least one text that ``rule`` has turned into ids."""
        starts = range(0, len(ids), _BATCH)
        return np.concatenate([self.graph.run(ids=ids[start : start + _BATCH]) for start in starts]).astype(np.float64)

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the arrays to package, by name."""
        return dict(self.arrays)

    def to_spec(self) -> dict[str, int | str]:
        """The rule, and the name that finds the graph."""
        return {"name": self.name, **self.rule.to_dict()}

    @property
    def file(self) -> str:
        """The package's file that holds the graph."""
        return graph_file(self.name)

    @classmethod
    def from_stored(cls, stored: StoredHead) -> Self:
        """Read back what was packaged.

        Raises:
            CorruptPackage: the package was written without the graph.
            KeyError, TypeError: its spec is no rule.
        """
        rule = dict(stored.spec)
        name = rule.pop("name")
        return cls(name, WordRule(**rule), stored.arrays, OpenVinoGraph.open(stored.file(graph_file(name))))


def graph_file(expert: str) -> str:
    """Where a package holds the graph of an expert that is a network."""
    return f"openvino/{expert}.xml"
