"""N-grams of words and of pieces of words, hashed into buckets.

Columns and counts are those of scikit-learn's ``HashingVectorizer`` without signs (MurmurHash3 of 32 bits over the
UTF-8 bytes), which a test compares with. Importing it would cost the service 125 MB and a second of its start.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

_WORD = re.compile(r"\b\w\w+\b")
_TEXTS_AT_ONCE = 2000  # their distinct n-grams are held in memory
_C1, _C2 = np.uint32(0xCC9E2D51), np.uint32(0x1B873593)

Cut = Callable[[str], list[str]]
"""A plain text's n-grams, repeated as often as they stand there."""


def plain(text: str) -> str:
    """Return the text in lower case and without accents."""
    lowered = text.lower()
    if lowered.isascii():
        return lowered
    decomposed = unicodedata.normalize("NFKD", lowered)
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def word_ngrams(text: str, longest: int) -> list[str]:
    """Return the runs of 1 to ``longest`` neighbouring words of two letters or more."""
    words = _WORD.findall(text)
    found = list(words)
    for length in range(2, longest + 1):
        found += [" ".join(words[start : start + length]) for start in range(len(words) - length + 1)]
    return found


def piece_ngrams(text: str, shortest: int, longest: int) -> list[str]:
    """Return the pieces of ``shortest`` to ``longest`` characters of each word with a blank on both sides.

    A word that is no longer than a piece is one piece, once.
    """
    pieces: list[str] = []
    for bare in text.split():
        word = f" {bare} "
        for length in range(shortest, longest + 1):
            if length >= len(word):
                pieces.append(word)
                break
            pieces += [word[start : start + length] for start in range(len(word) - length + 1)]
    return pieces


def count(texts: Sequence[str], cut: Cut, bits: int) -> sparse.csr_array:
    """Count the n-grams that ``cut`` finds in each plain text, by bucket.

    Returns:
        ``(len(texts), 2 ** bits)`` float32, row i for text i, columns ascending within a row.
    """
    blocks = [
        _count_some(texts[start : start + _TEXTS_AT_ONCE], cut, bits)
        for start in range(0, max(1, len(texts)), _TEXTS_AT_ONCE)
    ]
    return blocks[0] if len(blocks) == 1 else sparse.csr_array(sparse.vstack(blocks, format="csr"))


def _count_some(texts: Sequence[str], cut: Cut, bits: int) -> sparse.csr_array:
    known: dict[str, int] = {}
    ends, found = [0], []
    for text in texts:
        found += [known.setdefault(ngram, len(known)) for ngram in cut(text)]
        ends.append(len(found))
    buckets = _buckets([ngram.encode() for ngram in known], bits)
    columns = buckets[np.array(found, np.intp)]
    starts = np.array(ends, np.int32)  # as wide as the columns: scikit-learn's solvers take no wider ones
    counts = sparse.csr_array((np.ones(len(found), np.float32), columns, starts), shape=(len(texts), 2**bits))
    counts.sum_duplicates()
    return counts


def _buckets(keys: Sequence[bytes], bits: int) -> NDArray[np.int32]:
    hashed = murmur3(keys).view(np.int32).astype(np.int64)
    return (np.abs(hashed) % 2**bits).astype(np.int32)


def murmur3(keys: Sequence[bytes]) -> NDArray[np.uint32]:
    """Return each key's MurmurHash3 (x86, 32 bits, seed 0)."""
    lengths = np.array([len(key) for key in keys], np.uint32)
    words = np.frombuffer(b"".join(key + bytes(-len(key) % 4) for key in keys), "<u4")
    per_key = (lengths.astype(np.intp) + 3) // 4
    starts = np.concatenate([[0], np.cumsum(per_key)[:-1]]).astype(np.intp)
    hashed = np.zeros(len(keys), np.uint32)
    for place, rows in _rows_by_place(per_key):
        mixed = hashed[rows] ^ _scramble(words[starts[rows] + place])
        whole = lengths[rows] // 4 > place  # the bytes after the last whole four are mixed in without turning
        hashed[rows] = np.where(whole, _turn(mixed, 13) * np.uint32(5) + np.uint32(0xE6546B64), mixed)
    hashed ^= lengths
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        hashed = (hashed ^ (hashed >> np.uint32(shift))) * np.uint32(factor)
    return hashed ^ (hashed >> np.uint32(16))


def _rows_by_place(per_key: NDArray[np.intp]) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """The keys that reach as far as each place, from the first place to the last of the longest key."""
    rows = np.arange(len(per_key))
    for place in range(int(per_key.max(initial=0))):
        rows = rows[per_key[rows] > place]
        yield place, rows


def _scramble(block: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return _turn(block * _C1, 15) * _C2


def _turn(values: NDArray[np.uint32], bits: int) -> NDArray[np.uint32]:
    """Rotate to the left."""
    return (values << np.uint32(bits)) | (values >> np.uint32(32 - bits))
