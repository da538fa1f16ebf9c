from pathlib import Path

import numpy as np
import pytest

from inference.tokens import TokenReader, pad
from tests.toys.bert import write_folder


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A tokenizer.json that carries a fixed padding to 128 and a truncation to 4."""
    folder: Path = write_folder(tmp_path_factory.mktemp("huggingface"))
    return (folder / "tokenizer.json").read_bytes()


def test_the_tokenizers_own_padding_and_truncation_are_off(tokenizer: bytes) -> None:
    rows = TokenReader(tokenizer, max_tokens=20).read(["a", "livre jeu bleu rouges", ""])
    assert [row.tolist() for row in rows] == [[2, 4, 3], [2, 30, 31, 32, 33, 34, 3], [2, 3]]


def test_a_text_at_the_limit_is_whole_and_one_beyond_loses_its_middle(tokenizer: bytes) -> None:
    reader = TokenReader(tokenizer, max_tokens=8)
    exact, beyond = reader.read(["a b c d e f", "a b c d e f g"])
    assert exact.tolist() == [2, 4, 5, 6, 7, 8, 9, 3]
    assert beyond.tolist() == [2, 4, 5, 6, 7, 8, 10, 3]


def test_padding_is_masked() -> None:
    ids, mask = pad([np.array([2, 4, 3], np.int32), np.array([2, 3], np.int32)], length=4)
    assert ids.tolist() == [[2, 4, 3, 0], [2, 3, 0, 0]]
    assert mask.tolist() == [[1, 1, 1, 0], [1, 1, 0, 0]]
    assert ids.dtype == mask.dtype == np.int32
