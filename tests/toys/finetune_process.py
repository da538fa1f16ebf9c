"""Fine-tunes a tiny BERT on made-up titles: ``python -m tests.toys.finetune_process SOURCE FOLDER [MAX_STEPS]``.

Prints a line after every step and the sha256 of the tuned weights at the end, so that a test can kill it anywhere.
"""

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.toys.bert import write_folder
from training.encoders.sources import find_text_source
from training.finetune.config import FinetuneConfig
from training.finetune.loop import Inputs, Lesson, Watch, finetune
from training.finetune.text import TokenisedTexts, build_text_learner, write_huggingface
from training.softmax import fix_chance

CONFIG = FinetuneConfig(
    epochs=3,
    learning_rate=5e-3,
    warmup=0.1,
    weight_decay=0.01,
    label_smoothing=0.1,
    dropout=0.2,
    balance=0.5,
    batch_rows=8,
    patience=3,
    checkpoint_steps=4,
)
MAX_TOKENS = 20
TITLES = [
    f"{'livre' if row % 3 else 'jeu'} {'bleu' if row % 2 else 'rouge'} {'abcdefgh'[row % 8]}" for row in range(60)
]
LABELS = np.array([int(row % 3 > 0) for row in range(60)])


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def tune(
    source: Path, folder: Path, max_steps: int | None = None, layers: int | None = None, **watch: Callable[[int], Watch]
) -> dict[str, bytes]:
    """The files of the tuned weights."""
    weights = find_text_source(str(source))
    fix_chance(7)
    encoder, model = build_text_learner(
        weights, max_tokens=MAX_TOKENS, layers_trained=layers, classes=2, dropout=CONFIG.dropout
    )
    texts = TokenisedTexts(TITLES, (source / "tokenizer.json").read_bytes(), MAX_TOKENS)

    def read(rows: np.ndarray, epoch: int | None) -> Inputs:
        if epoch is not None:
            _say(f"step of epoch {epoch}")
        return texts.read(rows, epoch)

    lesson = Lesson(read, LABELS, np.arange(48), np.arange(48, 60), 2)
    outcome = finetune(model, lesson, CONFIG, seed=7, folder=folder, max_steps=max_steps, **watch)
    _say(f"steps {outcome.steps} of {outcome.planned}")
    return write_huggingface(encoder, weights)


def digest(files: dict[str, bytes]) -> str:
    """Of the tuned weights."""
    return hashlib.sha256(files["model.safetensors"]).hexdigest()


if __name__ == "__main__":
    made = write_folder(Path(sys.argv[1]))
    limit = int(sys.argv[3]) if len(sys.argv) > 3 else None
    _say(f"sha {digest(tune(made, Path(sys.argv[2]), limit))}")
