"""Words and pieces of words, hashed: what the lexical expert reads of a text.

Hashing keeps no vocabulary to fit or to ship: a text is counted the same way everywhere, and a package holds only
the buckets that its training rows filled.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Self

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from inference import ngrams


@dataclass(frozen=True, slots=True)
class LexicalRule:
    """How a text is cut and counted; part of a package's spec.

    Attributes:
        word_bits: words fall into ``2 ** word_bits`` buckets, which come first.
        piece_bits: pieces of words fall into ``2 ** piece_bits`` buckets, which follow.
        longest_words: n-grams of 1 to this many words.
        shortest_piece: characters of the shortest n-gram inside a word's borders.
        longest_piece: characters of the longest one.
    """

    word_bits: int
    piece_bits: int
    longest_words: int
    shortest_piece: int
    longest_piece: int

    def to_dict(self) -> dict[str, int]:
        """Return the plain form that ``spec.json`` holds."""
        return asdict(self)

    @property
    def word_buckets(self) -> int:
        """Columns of ``count``'s result that stand for words."""
        return 2**self.word_bits

    def count(self, texts: Sequence[str]) -> sparse.csr_array:
        """Count the n-grams of each text, without case and accents.

        Returns:
            ``(len(texts), 2 ** word_bits + 2 ** piece_bits)`` float32, row i for text i.
        """
        texts = [ngrams.plain(text) for text in texts]
        words = ngrams.count(texts, lambda text: ngrams.word_ngrams(text, self.longest_words), self.word_bits)
        pieces = ngrams.count(
            texts, lambda text: ngrams.piece_ngrams(text, self.shortest_piece, self.longest_piece), self.piece_bits
        )
        return sparse.csr_array(sparse.hstack([words, pieces], format="csr"))


@dataclass(frozen=True, slots=True)
class LexicalSpace:
    """The buckets a head was trained on, and how rare each is.

    Attributes:
        rule: how texts are counted.
        buckets: ``(k,)`` int32, ascending columns of ``rule.count``.
        idf: ``(k,)`` float32, inverse document frequency of each.
    """

    rule: LexicalRule
    buckets: NDArray[np.int32]
    idf: NDArray[np.float32]

    @classmethod
    def learn(cls, rule: LexicalRule, counts: sparse.csr_array, *, min_rows: int) -> Self:
        """Keep the buckets that at least ``min_rows`` rows of ``counts`` fill."""
        filled = np.bincount(counts.indices, minlength=counts.shape[1])
        buckets = np.flatnonzero(filled >= min_rows)
        idf = np.log((1 + counts.shape[0]) / (1 + filled[buckets])) + 1
        return cls(rule, buckets.astype(np.int32), idf.astype(np.float32))

    def weigh(self, counts: sparse.csr_array) -> sparse.csr_array:
        """Weigh counts: ``1 + log(count)`` times idf, words and pieces each of Euclidean length 1 (or 0).

        Returns:
            ``(n, k)`` float32; n-grams outside the space are left out before lengths are taken.
        """
        kept = sparse.csr_array(counts[:, self.buckets])
        kept.data = (1 + np.log(kept.data)) * self.idf[kept.indices]
        words = int(np.searchsorted(self.buckets, self.rule.word_buckets))
        rows = np.repeat(np.arange(kept.shape[0]), np.diff(kept.indptr))
        block = 2 * rows + (kept.indices >= words)
        squares = np.bincount(block, kept.data.astype(np.float64) ** 2, minlength=2 * kept.shape[0])
        kept.data = (kept.data / np.sqrt(squares)[block]).astype(np.float32)
        return kept
