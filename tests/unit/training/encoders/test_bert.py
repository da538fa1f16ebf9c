from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.tokens import pad
from tests.toys.bert import TINY, make_tensors, mean_states, write_folder
from training.encoders.bert import BadEncoderSource, load_bert

ROWS = [[2, 4, 5, 6, 3], [2, 3], [2, *range(4, 24), 3]]


def _encode(folder: Path, length: int = 24) -> np.ndarray:
    model, _, _ = load_bert(folder, max_tokens=length)
    ids, mask = pad([np.array(row, np.int32) for row in ROWS], length)
    return np.asarray(model({"ids": ids, "mask": mask}))


def test_the_graph_computes_what_plain_numpy_computes(tmp_path: Path) -> None:
    features = _encode(write_folder(tmp_path))
    reference = [mean_states(make_tensors(TINY), TINY, row) for row in ROWS]
    assert np.abs(features - reference).max() < 1e-5


@pytest.mark.parametrize("prefix", ["bert.", "roberta."])
def test_a_prefix_in_the_names_changes_nothing(tmp_path: Path, prefix: str) -> None:
    plain = _encode(write_folder(tmp_path / "plain"))
    named = _encode(write_folder(tmp_path / "named", tensors=make_tensors(TINY, prefix=prefix)))
    np.testing.assert_array_equal(plain, named)


def test_the_names_of_the_first_bert_releases_are_understood(tmp_path: Path) -> None:
    former = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): array
        for name, array in make_tensors(TINY).items()
    }
    plain = _encode(write_folder(tmp_path / "plain"))
    np.testing.assert_array_equal(plain, _encode(write_folder(tmp_path / "former", tensors=former)))


def test_camembert_counts_positions_from_after_its_padding_id(tmp_path: Path) -> None:
    config = {**TINY, "model_type": "camembert", "pad_token_id": 1, "max_position_embeddings": 26, "type_vocab_size": 1}
    features = _encode(write_folder(tmp_path, config))
    reference = [mean_states(make_tensors(config), config, row, first=2) for row in ROWS]
    assert np.abs(features - reference).max() < 1e-5


def test_only_the_tensors_of_the_encoder_are_taken_in_hugging_face_layout(tmp_path: Path) -> None:
    _, _, taken = load_bert(write_folder(tmp_path, tensors=make_tensors(TINY, prefix="bert.")), max_tokens=24)
    wanted = make_tensors(TINY)
    del wanted["pooler.dense.weight"]
    assert sorted(taken) == sorted(wanted)
    for name, array in wanted.items():
        np.testing.assert_array_equal(taken[name], array)


def test_half_precision_weights_are_widened(tmp_path: Path) -> None:
    tensors = {name: array.astype(np.float16) for name, array in make_tensors(TINY).items()}
    _, _, taken = load_bert(write_folder(tmp_path, tensors=tensors), max_tokens=24)
    assert {array.dtype for array in taken.values()} == {np.dtype(np.float32)}


def test_a_missing_tensor_is_named(tmp_path: Path) -> None:
    tensors = make_tensors(TINY)
    del tensors["encoder.layer.1.output.dense.bias"]
    with pytest.raises(BadEncoderSource, match=r"lack the tensor encoder\.layer\.1\.output\.dense\.bias"):
        load_bert(write_folder(tmp_path, tensors=tensors), max_tokens=24)


def test_a_misshapen_tensor_is_named_with_what_was_received(tmp_path: Path) -> None:
    tensors = make_tensors(TINY)
    tensors["encoder.layer.0.intermediate.dense.weight"] = np.zeros((16, 32), np.float32)
    with pytest.raises(
        BadEncoderSource, match=r"intermediate\.dense\.weight must have shape \(32, 16\)\. Received: \(16, 32\)"
    ):
        load_bert(write_folder(tmp_path, tensors=tensors), max_tokens=24)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "distilbert"}, "model_type .* Received: 'distilbert'"),
        ({"hidden_act": "gelu_new"}, "hidden_act .* Received: 'gelu_new'"),
        ({"position_embedding_type": "relative_key"}, "Received: 'relative_key'"),
        ({"max_position_embeddings": 20}, "between 3 and 20. Received: 24"),
    ],
)
def test_another_architecture_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadEncoderSource, match=message):
        load_bert(write_folder(tmp_path, change), max_tokens=24)
