"""A packaged model, verified and ready to answer: raw products in, calibrated suggestions out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.domain.product import Product
from core.errors import Invalid
from core.registry.packages import CorruptPackage, Package, open_package
from inference import appearance
from inference.answer import Answer, rank
from inference.encoders import EncoderPool
from inference.fusion import EXPERTS_FOR
from inference.fusion_model import FEATURES, FusionModel, Inputs
from inference.golden import GoldenMismatch, check_golden
from inference.golden_products import GOLDEN, read_golden
from preprocessing.images import IMAGE_SIZE, to_tensor
from preprocessing.spec import PreprocessingSpec, UnsupportedPreprocessing
from preprocessing.text import compose

__all__ = ["FEATURES", "MODEL", "CannotAnswer", "EncoderPool", "GoldenMismatch", "Inputs", "ServedModel"]

MODEL = "model"
"""Kind of a model's package."""


class CannotAnswer(Invalid):
    """The product has nothing that this model can read: no text with a letter or sign in it, no photo it knows."""

    code = "model.cannot_answer"


class ServedModel:
    """A fusion model with its encoders. Threads may share it.

    Attributes:
        name: under which it is released, such as ``fusion``.
        sha: of its package.
        spec: its package's spec.
        codes: every code of its taxonomy, ascending: the columns of its probabilities.
        taxonomy_version: of that taxonomy.
    """

    def __init__(self, package: Package, model: FusionModel, encoders: EncoderPool) -> None:
        spec = package.spec
        self.name: str = spec["name"]
        self.sha = package.sha
        self.spec: Mapping[str, Any] = spec
        self.codes = model.codes
        self.taxonomy_version: str = spec["taxonomy_version"]
        self._model = model
        needed = {FEATURES[expert] for expert in model.heads if expert in FEATURES}
        self._text = encoders.text(spec["encoders"]["text"]) if "text" in needed else None
        self._image = encoders.image(spec["encoders"]["image"]) if "image" in needed else None
        self._appearance = "appearance" in needed

    @classmethod
    def load(cls, packages_root: Path, sha: str, *, encoders: EncoderPool) -> Self:
        """Open a model's package, its encoders' too, and check its golden answers.

        Raises:
            MissingPackage: it, or an encoder it names, is not there.
            CorruptPackage: a file was changed, or is not what a model's package holds.
            GoldenMismatch: it does not give its golden answers here.
            UnsupportedPreprocessing: it was trained with other preprocessing or appearance features than this code's.
        """
        package = open_package(packages_root, sha)
        try:
            _require_model(package)
            model = cls(package, FusionModel.from_package(package.spec, package.arrays()), encoders)
            golden = read_golden(package.file(GOLDEN))
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptPackage(package.path, f"{type(error).__name__}: {error}") from error
        check_golden(f"model {sha[:12]}", model.probabilities(golden.products), golden.probabilities)
        return model

    def predict(self, products: Sequence[Product], top_k: int = 3) -> list[Answer]:
        """Answer each product, in order; a missing half drops its experts, not the answer.

        Raises:
            CannotAnswer: a product has nothing this model can read.
            UndecodableImage: a photo's bytes are not a complete image; only sanitised photos belong here.
        """
        inputs = self.read(products)
        said = self._model.listen(inputs)
        fused = self._model.fuse(inputs, said)
        answers = []
        for row, modality in enumerate(self._model.modalities(inputs)):
            if modality is None:
                raise CannotAnswer("the product has nothing this model can read: send a title, or a photo, or both")
            top = rank(fused[row], self.codes, top_k)
            heard = [expert for expert in EXPERTS_FOR[modality] if expert in said]
            experts = {one: rank(np.exp(said[one][row]), self._model.present_codes, top_k) for one in heard}
            answers.append(Answer(*top[0], top, experts, modality))
        return answers

    def probabilities(self, products: Sequence[Product]) -> NDArray[np.float64]:
        """``(n, classes)`` calibrated probabilities, columns in the order of ``codes``.

        A product with nothing to read gets every class that had training rows equally.
        """
        return self._model.probabilities(self.read(products))

    def probabilities_from_features(
        self,
        features: Mapping[str, NDArray[np.float16]],
        texts: Sequence[str],
        has_image: NDArray[np.bool_],
        has_text: NDArray[np.bool_],
    ) -> NDArray[np.float64]:
        """The same as ``probabilities`` for products whose features are already known.

        Args:
            features: ``text``, ``image`` and ``appearance``, ``(n, width)`` float16 each, by this model's encoders.
            texts: as ``preprocessing.text.compose`` returns them.
            has_image: ``(n,)`` bool.
            has_text: ``(n,)`` bool.
        """
        return self._model.probabilities(Inputs(features, texts, has_text, has_image))

    def read(self, products: Sequence[Product]) -> Inputs:
        """Compute what the experts see of raw products, rounded as the feature cache rounds it."""
        texts = [compose(product.designation, product.description) for product in products]
        has_text = np.array([bool(text) for text in texts], dtype=bool)
        has_image = np.array([product.image is not None for product in products], dtype=bool)
        features: dict[str, NDArray[np.float16]] = {}
        if self._text is not None:
            read = self._text.features([text for text in texts if text])
            features["text"] = _spread(read, has_text)
        photos = [to_tensor(product.image) for product in products if product.image is not None]
        tensors = np.stack(photos) if photos else np.zeros((0, IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8)
        if self._image is not None:
            features["image"] = _spread(self._image.features(tensors), has_image)
        if self._appearance:
            features["appearance"] = _spread(appearance.features(tensors), has_image)
        return Inputs(features, texts, has_text, has_image)


def _spread(known: NDArray[np.float16], present: NDArray[np.bool_]) -> NDArray[np.float16]:
    """Rows of ``known`` where ``present``, zeros elsewhere."""
    spread = np.zeros((len(present), known.shape[1]), np.float16)
    spread[present] = known
    return spread


def _require_model(package: Package) -> None:
    """Refuse a package that this code cannot answer from as it was trained."""
    if package.kind != MODEL:
        raise CorruptPackage(package.path, f"it must be of kind {MODEL}. Received: {package.kind}")
    PreprocessingSpec.from_dict(package.spec["preprocessing"])
    described = package.spec["encoders"]["appearance"]
    if described != appearance.APPEARANCE_SHA:
        raise UnsupportedPreprocessing(f"appearance features are {appearance.APPEARANCE_SHA}. Received: {described}")
