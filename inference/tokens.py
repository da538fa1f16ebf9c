"""Text to token ids, by the tokenizer a text encoder was trained with."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer


class TokenReader:
    """A Hugging Face ``tokenizer.json`` with its own padding and truncation switched off.

    A text longer than ``max_tokens`` keeps its head and its tail: three quarters from the beginning (the
    title, and the special token that opens a text), the rest from the end (sizes and models often stand
    last, and so does the special token that closes it).
    """

    def __init__(self, tokenizer_json: bytes, max_tokens: int) -> None:
        self._tokenizer = Tokenizer.from_buffer(tokenizer_json)
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.max_tokens = max_tokens

    def read(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """Return each text's ids, ``(tokens,)`` int32 with 0 < tokens ≤ ``max_tokens``, special ones included."""
        return [self._shorten(encoding.ids) for encoding in self._tokenizer.encode_batch_fast(list(texts))]

    def _shorten(self, ids: list[int]) -> NDArray[np.int32]:
        if len(ids) > self.max_tokens:
            head = self.max_tokens * 3 // 4
            ids = ids[:head] + ids[head - self.max_tokens :]
        return np.asarray(ids, np.int32)


def pad(rows: Sequence[NDArray[np.int32]], length: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Stack rows of at most ``length`` ids.

    Returns:
        ids and mask, each ``(len(rows), length)`` int32; padding has id 0 and mask 0.
    """
    ids = np.zeros((len(rows), length), np.int32)
    mask = np.zeros_like(ids)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = row
        mask[index, : len(row)] = 1
    return ids, mask
