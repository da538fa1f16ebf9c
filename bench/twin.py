"""The same encoder weights in Keras: inside our own API in OpenVINO's place, and as one model for the peers."""

import sys
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.registry.packages import Package, open_package
from core.settings import ModelSettings, StoreSettings
from inference.encoders import TOKENIZER
from preprocessing.images import IMAGE_SIZE
from preprocessing.spec import PreprocessingSpec

MAX_TOKENS = PreprocessingSpec().max_tokens


class KerasGraph:
    """Stands where ``inference.encoders`` opens an exported graph; runs ``model.predict``.

    The package's golden answers are checked against it as against the graph, so its weights are the same.
    """

    def __init__(self, model: Any) -> None:
        self._model = model

    @classmethod
    def open_packaged(cls, package: Package, xml: str, threads: int = 0) -> Self:
        """Build the network that the package's graph was exported from."""
        return cls(load_network(package.spec["architecture"]))

    def run(self, **inputs: NDArray[Any]) -> NDArray[np.float32]:
        """One batch through ``model.predict``."""
        return self._model.predict(inputs, verbose=0)


def load_network(architecture: str) -> Any:
    """The Keras network of an encoder package's ``architecture``, with the weights that the settings name."""
    from training.encoders.bert import load_bert
    from training.encoders.images import build_network
    from training.encoders.sources import find_image_source, find_text_source

    settings = ModelSettings()
    if architecture == "bert":
        return load_bert(find_text_source(settings.text_encoder).path, MAX_TOKENS)[0]
    return build_network(architecture, find_image_source(settings.image_weights, architecture))


def save_twin(packages: Path, model_sha: str, folder: Path) -> None:
    """Write ``model.keras`` and ``tokenizer.json``: both encoders of a packaged model under one dense softmax head.

    The head's weights are drawn; its cost is what matters here, and it is next to nothing.
    """
    import keras

    spec = open_package(packages, model_sha).spec
    bert, resnet = load_network("bert"), load_network("resnet50")
    text = {name: keras.Input((MAX_TOKENS,), dtype="int32", name=name) for name in ("ids", "mask")}
    images = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3), dtype="uint8", name="images")
    features = keras.layers.Concatenate()([bert(text), resnet({"images": images})])
    answer = keras.layers.Dense(len(spec["codes"]), activation="softmax")(features)
    tokenizer = open_package(packages, spec["encoders"]["text"]).file(TOKENIZER)
    draft = folder.with_name(f"{folder.name}.new")
    draft.mkdir(parents=True, exist_ok=True)
    keras.Model({**text, "images": images}, answer).save(draft / "model.keras")
    (draft / TOKENIZER).write_bytes(tokenizer.read_bytes())
    draft.rename(folder)


if __name__ == "__main__":
    save_twin(StoreSettings().packages, sys.argv[1], Path(sys.argv[2]))
