"""The registered model as MLflow loads it (models from code): raw text and photo bytes in, answers out.

    mlflow.pyfunc.load_model("models:/fusion@champion").predict(frame)

The frame has a column ``designation`` and, where there is something to say, ``description`` and ``image``
(bytes of a photo file). The artefact holds heads and spec; the encoders, which outlive many heads, are
found by their sha in ``<STORE_ROOT>/packages``, or where they lay when the model was logged.
"""

import os
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc import PythonModel, PythonModelContext

from core.domain.product import Product
from core.settings import ServingSettings, StoreSettings
from inference.answer import Answer
from inference.model import EncoderPool, ServedModel
from preprocessing.images import sanitise


class PackagedModel(PythonModel):
    """Answers through ``inference``, exactly as the service does."""

    def load_context(self, context: PythonModelContext) -> None:
        """Open the package among the artefacts, and the encoders it names."""
        package = Path(context.artifacts["package"])
        self._limits = ServingSettings()
        pool = EncoderPool(_encoders_folder(context), self._limits.inference_threads)
        self._model = ServedModel.load(package.parent, package.name, encoders=pool)

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """One answer a row, in the frame's order.

        Returns:
            Columns ``prdtypecode`` int64, ``confidence`` float64 in [0, 1], ``top_k`` (list of
            ``{"prdtypecode", "confidence"}``, best first) and ``modality``.

        Raises:
            BadImage: a photo cannot be read or is over the service's limits.
        """
        products = [self._product(row) for row in model_input.to_dict("records")]
        answers = self._model.predict(products) if products else []
        return pd.DataFrame([_row_of(answer) for answer in answers], index=model_input.index, columns=_COLUMNS)

    def _product(self, row: dict[str, Any]) -> Product:
        photo = row.get("image")
        if not isinstance(photo, bytes) or not photo:
            return Product(_text(row, "designation"), _text(row, "description") or None)
        limits = self._limits
        clean = sanitise(photo, max_bytes=limits.max_upload_bytes, max_pixels=limits.max_image_pixels)
        return Product(_text(row, "designation"), _text(row, "description") or None, clean.data)


_COLUMNS = ["prdtypecode", "confidence", "top_k", "modality"]


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""


def _row_of(answer: Answer) -> dict[str, Any]:
    top = [{"prdtypecode": int(code), "confidence": float(share)} for code, share in answer.top_k]
    return {
        "prdtypecode": int(answer.prdtypecode),
        "confidence": float(answer.confidence),
        "top_k": top,
        "modality": str(answer.modality),
    }


def _encoders_folder(context: PythonModelContext) -> Path:
    if "STORE_ROOT" in os.environ:
        return StoreSettings().packages
    return Path(context.model_config["encoders_folder"])


mlflow.models.set_model(PackagedModel())
