"""BERT twice over for tests: a made-up Hugging Face folder, and the plainest numpy forward pass."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from scipy.special import erf
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

TINY: dict[str, Any] = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 32,
    "vocab_size": 40,
    "max_position_embeddings": 24,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "pad_token_id": 0,
}
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyz", "livre", "jeu", "bleu", "rouge", "##s"]


def make_tensors(config: dict[str, Any], seed: int = 0, prefix: str = "") -> dict[str, np.ndarray]:
    """Random float32 tensors under Hugging Face's names, with a head that no encoder needs."""
    width, inner = config["hidden_size"], config["intermediate_size"]
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (config["vocab_size"], width),
        "embeddings.position_embeddings.weight": (config["max_position_embeddings"], width),
        "embeddings.token_type_embeddings.weight": (config["type_vocab_size"], width),
        "pooler.dense.weight": (width, width),
    }
    norms = ["embeddings.LayerNorm"]
    for index in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{index}"
        denses = {f"attention.self.{role}": (width, width) for role in ("query", "key", "value")}
        denses |= {"attention.output.dense": (width, width)}
        denses |= {"intermediate.dense": (inner, width), "output.dense": (width, inner)}
        for name, shape in denses.items():
            shapes |= {f"{layer}.{name}.weight": shape, f"{layer}.{name}.bias": shape[:1]}
        norms += [f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"]
    for norm in norms:
        shapes |= {f"{norm}.weight": (width,), f"{norm}.bias": (width,)}
    random = np.random.default_rng(seed)
    return {prefix + name: random.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}


def write_folder(
    folder: Path, config: dict[str, Any] | None = None, tensors: dict[str, np.ndarray] | None = None
) -> Path:
    """Write a Hugging Face folder of a tiny BERT; its tokenizer carries a padding and truncation of its own."""
    config = {**TINY, **(config or {})}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    tokenizer = Tokenizer(models.WordPiece({word: index for index, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.enable_padding(length=128)
    tokenizer.enable_truncation(4)
    tokenizer.save(str(folder / "tokenizer.json"))
    safetensors.numpy.save_file(tensors or make_tensors(config), folder / "model.safetensors")
    return folder


def mean_states(tensors: dict[str, np.ndarray], config: dict[str, Any], ids: list[int], first: int = 0) -> np.ndarray:
    """The reference: one text at a time, no padding, float64. Returns `(hidden_size,)`."""
    t = {name: array.astype(np.float64) for name, array in tensors.items()}
    positions = np.arange(first, first + len(ids))
    x = t["embeddings.word_embeddings.weight"][ids] + t["embeddings.position_embeddings.weight"][positions]
    x = _norm(x + t["embeddings.token_type_embeddings.weight"][0], t, "embeddings.LayerNorm", config)
    for index in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{index}"
        x = _norm(x + _attention(x, t, layer, config), t, f"{layer}.attention.output.LayerNorm", config)
        inner = _dense(x, t, f"{layer}.intermediate.dense")
        outer = _dense(inner * 0.5 * (1 + erf(inner / np.sqrt(2))), t, f"{layer}.output.dense")
        x = _norm(x + outer, t, f"{layer}.output.LayerNorm", config)
    return x.mean(axis=0)


def _dense(x: np.ndarray, t: dict[str, np.ndarray], name: str) -> np.ndarray:
    return x @ t[f"{name}.weight"].T + t[f"{name}.bias"]


def _norm(x: np.ndarray, t: dict[str, np.ndarray], name: str, config: dict[str, Any]) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt(x.var(-1, keepdims=True) + config["layer_norm_eps"])
    return scaled * t[f"{name}.weight"] + t[f"{name}.bias"]


def _attention(x: np.ndarray, t: dict[str, np.ndarray], layer: str, config: dict[str, Any]) -> np.ndarray:
    query, key, value = (_dense(x, t, f"{layer}.attention.self.{role}") for role in ("query", "key", "value"))
    size = config["hidden_size"] // config["num_attention_heads"]
    heads = []
    for start in range(0, config["hidden_size"], size):
        part = slice(start, start + size)
        scores = np.exp(query[:, part] @ key[:, part].T / np.sqrt(size))
        heads.append(scores / scores.sum(-1, keepdims=True) @ value[:, part])
    return _dense(np.concatenate(heads, axis=-1), t, f"{layer}.attention.output.dense")
