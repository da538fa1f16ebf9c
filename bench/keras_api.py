"""``python -m bench.keras_api``: our own service, except that the encoders run in Keras ``model.predict``.

Same routes, validation, photo and staging writes, experts and fusion; only ``inference.encoders`` opens a Keras
network where it would open an exported graph.
"""

import os
from pathlib import Path
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from api import __main__ as service
from api.app import create_app
from api.serving.engine import ModelLoader, Predictor
from api.settings import ServiceSettings
from bench.twin import KerasGraph


def keras_loader(packages: Path) -> ModelLoader:
    """A loader like ``package_loader``, but for what runs the encoders."""

    def load(sha: str) -> Predictor:
        from inference.model import EncoderPool, ServedModel

        with mock.patch("inference.encoders.OpenVinoGraph", KerasGraph):
            return ServedModel.load(packages, sha, encoders=EncoderPool(packages))

    return load


def main() -> None:
    """Serve as ``python -m api`` does."""
    settings = ServiceSettings.from_environment()
    app = create_app(settings, load_model=keras_loader(settings.store.packages))
    with mock.patch.object(service, "create_app", return_value=app):
        service.main()


if __name__ == "__main__":
    main()
