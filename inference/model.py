"""A packaged model, verified and ready to answer: raw products in, calibrated suggestions out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.domain.product import Modality, Product
from core.registry.packages import MODEL, CorruptPackage, Package, open_package
from core.stages import timed
from inference.answer import Answer, CannotAnswer, Ranking, rank
from inference.encoders import EncoderPool
from inference.family import FEATURES, IMAGE, TEXT, Encoder, Pool, features_read, open_encoder, readers
from inference.fusion_model import FusionModel, Inputs
from inference.golden import GoldenMismatch, check_golden
from inference.golden_products import GOLDEN, GoldenProducts, read_golden
from preprocessing.images import IMAGE_SIZE, to_tensor
from preprocessing.spec import PreprocessingSpec
from preprocessing.text import compose

__all__ = ["MODEL", "CannotAnswer", "EncoderPool", "GoldenMismatch", "Inputs", "ServedModel"]


class ServedModel:
    """A model of the family with the encoders that its heads read. Threads may share it.

    Attributes:
        name: under which it is released, such as ``fusion``.
        sha: of its package.
        spec: its package's spec.
        codes: every code of its taxonomy, ascending: the columns of its probabilities.
        taxonomy_version: of that taxonomy.
        halves: the halves of a product that it reads: ``TEXT_ONLY``, ``IMAGE_ONLY`` or both.
        encoders: the sha of what computes each feature that its heads read.
    """

    def __init__(self, package: Package, model: FusionModel, pool: Pool) -> None:
        spec = package.spec
        self.name: str = spec["name"]
        self.sha = package.sha
        self.spec: Mapping[str, Any] = spec
        self.codes = model.codes
        self.taxonomy_version: str = spec["taxonomy_version"]
        self.halves = model.halves
        self._model = model
        self.encoders: Mapping[str, str] = {
            feature: spec["encoders"][feature] for feature in features_read(model.heads)
        }
        self._encoders: dict[str, Encoder] = {
            feature: open_encoder(feature, sha, pool) for feature, sha in self.encoders.items()
        }
        self._known: GoldenProducts | None = None

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
            heads = FusionModel.from_package(package.spec, package.arrays(), package.file)
            model = cls(package, heads, encoders)
            golden = read_golden(package.file(GOLDEN))
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptPackage(package.path, f"{type(error).__name__}: {error}") from error
        check_golden(f"model {sha[:12]}", model.probabilities(golden.products), golden.probabilities)
        model._known = _fullest(golden)
        return model

    def check(self) -> None:
        """Answer a product whose answer is known, as ``load`` does with all of them.

        Raises:
            GoldenMismatch: the answer is another one now.
        """
        if self._known is not None:
            check_golden(f"model {self.sha[:12]}", self.probabilities(self._known.products), self._known.probabilities)

    def predict(self, products: Sequence[Product], top_k: int = 3) -> list[Answer]:
        """Answer each product, in order; a missing half drops its experts, not the answer.

        Raises:
            CannotAnswer: a product has nothing this model can read.
            UndecodableImage: a photo's bytes are not a complete image; only sanitised photos belong here.
        """
        inputs = self.read(products)
        with timed("heads"):
            said = self._model.listen(inputs)
        with timed("fusion"):
            fused = self._model.fuse(inputs, said)
            texts, photos = (self._rank_alone(half, inputs, said, top_k) for half in (TEXT, IMAGE))
        answers = []
        for row, modality in enumerate(self._model.modalities(inputs)):
            if modality is None:
                raise CannotAnswer("the product has nothing this model can read: send a title, or a photo, or both")
            top = rank(fused[row], self.codes, top_k)
            experts = {
                one: rank(np.exp(said[one][row]), self._model.present_codes, top_k) for one in readers(modality, said)
            }
            answers.append(Answer(*top[0], top, experts, modality, texts[row], photos[row]))
        return answers

    def _rank_alone(
        self, half: Modality, inputs: Inputs, said: Mapping[str, NDArray[np.float64]], top_k: int
    ) -> list[Ranking | None]:
        """The likeliest classes by one half of each product; None where that half is missing or was not learnt from."""
        fused = self._model.fuse_alone(half, inputs, said)
        known = self._model.modalities(inputs.only(half))
        return [rank(row, self.codes, top_k) if modality else None for row, modality in zip(fused, known, strict=True)]

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
            features: by name, ``(n, width)`` float16 each, by this model's encoders.
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
        shown = [text for text in texts if text]
        photos = self._photos(products)
        features = {
            feature: self._see(feature, photos, has_image)
            if FEATURES[feature] is IMAGE
            else self._see(feature, shown, has_text)
            for feature in self._encoders
        }
        return Inputs(features, texts, has_text, has_image)

    def _see(self, feature: str, halves: Any, present: NDArray[np.bool_]) -> NDArray[np.float16]:
        """One feature of the texts or photos that there are, with zeros where ``present`` is false."""
        with timed(feature):
            return _spread(self._encoders[feature].features(halves), present)

    def _photos(self, products: Sequence[Product]) -> NDArray[np.uint8]:
        """``(photos, 224, 224, 3)`` of the products that have one; none where no expert looks at photos."""
        looked_at = any(FEATURES[feature] is IMAGE for feature in self._encoders)
        photos = [to_tensor(product.image) for product in products if product.image is not None and looked_at]
        return np.stack(photos) if photos else np.zeros((0, IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8)


def _fullest(golden: GoldenProducts) -> GoldenProducts:
    """The first known product that has everything any of them has: it takes every way through the model."""
    extents = [(one.image is not None, bool(one.designation)) for one in golden.products]
    first = extents.index(max(extents))
    return GoldenProducts(golden.products[first : first + 1], golden.probabilities[first : first + 1])


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
