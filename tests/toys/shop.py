"""A shop whose products are told apart by a word, and a configuration that learns them in a moment."""

import io

import numpy as np
from PIL import Image

from core.domain.taxonomy import Category, Taxonomy
from core.settings import StoreSettings
from core.store.manifests import append_segment
from core.store.rows import TrainingRow
from core.store.segments import write_segment
from preprocessing.images import ImageFolder, sanitise, to_tensor

TAXONOMY = Taxonomy([Category(code, f"class {code}", f"classe {code}", "toys") for code in (10, 40, 60)])
WORDS = {10: "livre roman conte", 40: "jeu console manette", 60: "lampe bureau lumière"}
_DENSE_HEAD = """
learning_rate = 1e-2
weight_decay = 0.0
label_smoothing = 0.0
dropout = 0.0
batch_rows = 32
most_epochs = 3
patience = 1
balance = 0.0
"""
_WORD_NET = """
words = 6
bits = 8
width = 8
units = 8
learning_rate = 2e-2
label_smoothing = 0.1
word_dropout = 0.1
dropout = 0.1
batch_rows = 32
most_epochs = 6
patience = 2
balance = 0.0
folds = 2
"""
QUICK_CONFIG = (
    """
seed = 1
folds = 2
[appearance]
inverse_regularisation = 0.02
most_iterations = 50
tolerance = 1e-2
[lexical]
word_bits = 10
piece_bits = 10
longest_words = 1
shortest_piece = 3
longest_piece = 4
fewest_rows = 1
inverse_regularisation = 0.5
most_iterations = 500
tolerance = 1e-3
[growth]
train_rows = 100000
validation_rows = 1
warm_rate = 0.25
patience = 2
logistic_tolerance = 1e-3
[fusion]
floor = -8.0
prior_rows = 30.0
[fusion-weighted]
experts = ["lexical", "appearance"]
[concat]
hidden_units = 8
hidden_dropout = 0.0
hide_half = 0.3
"""
    + _DENSE_HEAD
)
QUICK_CONFIG += "".join(f"[{name}]{_DENSE_HEAD}" for name in ("bert", "resnet50", "xception", "inceptionv3", "vgg16"))
QUICK_CONFIG += "".join(f"[{name}]{_WORD_NET}" for name in ("simple-dnn", "conv1d", "bigru"))
_FINETUNE = """
epochs = 2
learning_rate = 5e-3
warmup = 0.1
weight_decay = 0.01
label_smoothing = 0.1
dropout = 0.1
balance = 0.0
batch_rows = 16
patience = 3
checkpoint_steps = 3
"""
QUICK_CONFIG += f"[finetune.text]{_FINETUNE}[finetune.image]{_FINETUNE}flip = 0.5\ncrop = 0.25\njitter = 0.2\n"


class Shop:
    """Products that are told apart by a word of their class; every fourth has a photo, which says nothing."""

    def __init__(self, store: StoreSettings) -> None:
        self._store = store
        self._random = np.random.default_rng(5)
        self._made = 0

    def add(self, segment: str, counts: dict[str, int], *, mislabelled: float = 0.0) -> None:
        """Append a segment with so many rows per split; a share of the train rows has another class's code."""
        splits = [split for split, count in counts.items() for _ in range(count)]
        products = [self._product(split, mislabelled) for split in splits]
        tensors = [tensor for _, tensor in products]
        written = write_segment(self._store.training, segment, [row for row, _ in products], tensors)
        append_segment(self._store.training, written, taxonomy_version=TAXONOMY.version)

    def _product(self, split: str, mislabelled: float) -> tuple[TrainingRow, np.ndarray]:
        number, self._made = self._made, self._made + 1
        code = TAXONOMY.codes[number % 3]
        title = f"{self._random.choice(WORDS[code].split())} {self._random.choice(['beau', 'neuf', 'petit'])} {number}"
        photo, sha = np.zeros((224, 224, 3), np.uint8), ""
        if number % 4 == 0:
            image = sanitise(self._photo(), max_bytes=10**6, max_pixels=10**6)
            ImageFolder(self._store.images).put(image)
            photo, sha = to_tensor(image.data), image.sha256
        wrong = split == "train" and self._random.random() < mislabelled
        given = TAXONOMY.codes[(number + 1) % 3] if wrong else code
        row = TrainingRow(f"p{number}", "", title, "", given, sha, "base", split, f"c{number}", "", "", "")
        return row, photo

    def _photo(self) -> bytes:
        out = io.BytesIO()
        Image.fromarray(self._random.integers(0, 256, (4, 4, 3), np.uint8)).resize((64, 64)).save(out, "PNG")
        return out.getvalue()
