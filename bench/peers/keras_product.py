"""What both peers do with a product: the usual steps around ``model.predict``, nothing more."""

import io
import os
from pathlib import Path

import keras
import numpy as np
from PIL import Image
from tokenizers import Tokenizer

MAX_TOKENS = 64
_FOLDER = Path(os.environ["BENCH_TWIN"])


class KerasProduct:
    """The Keras model and its tokenizer, from the folder that ``BENCH_TWIN`` names."""

    def __init__(self) -> None:
        self._model = keras.models.load_model(_FOLDER / "model.keras")
        self._tokenizer = Tokenizer.from_file(str(_FOLDER / "tokenizer.json"))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.enable_padding(length=MAX_TOKENS)

    def predict(self, designation: str, description: str, photo: bytes) -> dict[str, float | int]:
        """The likeliest class and its probability."""
        encoding = self._tokenizer.encode(f"{designation}. {description}")
        image = Image.open(io.BytesIO(photo)).convert("RGB").resize((224, 224))
        inputs = {
            "ids": np.array([encoding.ids], np.int32),
            "mask": np.array([encoding.attention_mask], np.int32),
            "images": np.asarray(image)[None],
        }
        probabilities = self._model.predict(inputs, verbose=0)[0]
        best = int(probabilities.argmax())
        return {"class": best, "confidence": float(probabilities[best])}
