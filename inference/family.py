"""The family of models: what each expert reads and what kind of head it has.

A model is a few experts and the blends of what they say (``fusion_model``). Every table here may be added to: a new
cached feature, a new expert. How they are trained stands in ``training.family``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.domain.product import Modality
from inference.appearance import Appearance
from inference.heads import DenseHead, Head, LexicalHead, MlpHead
from inference.word_net import WordNetHead

TEXT, IMAGE = Modality.TEXT_ONLY, Modality.IMAGE_ONLY

FEATURES: dict[str, Modality] = {
    "text": TEXT,
    "image": IMAGE,
    "appearance": IMAGE,
    "xception": IMAGE,
    "inceptionv3": IMAGE,
    "vgg16": IMAGE,
}
"""Every cached feature and the half of a product it is computed from. ``text`` is BERT's, ``image`` ResNet50's."""

WITHOUT_WEIGHTS = {"appearance": Appearance}
"""Features that need no packaged encoder, and what computes them."""


@dataclass(frozen=True, slots=True)
class Expert:
    """One way to tell what a product is.

    Attributes:
        features: cached features that its head reads side by side; none: it reads the words themselves.
        head: the class of its head.
        about: one line for the model card.
    """

    features: tuple[str, ...]
    head: type[Head]
    about: str

    @property
    def halves(self) -> frozenset[Modality]:
        """``TEXT_ONLY``, ``IMAGE_ONLY`` or both: what it can answer from."""
        return frozenset(FEATURES[feature] for feature in self.features) or frozenset({TEXT})


EXPERTS: dict[str, Expert] = {
    "bert": Expert(("text",), DenseHead, "BERT's mean state of the text, a dense softmax head trained in Keras"),
    "lexical": Expert(
        (),
        LexicalHead,
        "hashed words and pieces of words with inverse document frequency, a linear support vector machine",
    ),
    "simple-dnn": Expert(
        (), WordNetHead, "hashed words, their vectors' average through one hidden layer trained in Keras"
    ),
    "conv1d": Expert((), WordNetHead, "hashed words, convolutions over one to three of them trained in Keras"),
    "bigru": Expert((), WordNetHead, "hashed words, a recurrent network in both directions trained in Keras"),
    "appearance": Expert(
        ("appearance",),
        DenseHead,
        "oriented gradients and colour of the photo, multinomial logistic regression",
    ),
    "resnet50": Expert(
        ("image",), DenseHead, "ResNet50's average feature map of the photo, a dense softmax head trained in Keras"
    ),
    "xception": Expert(
        ("xception",), DenseHead, "Xception's average feature map of the photo, a dense softmax head trained in Keras"
    ),
    "inceptionv3": Expert(
        ("inceptionv3",),
        DenseHead,
        "InceptionV3's average feature map of the photo, a dense softmax head trained in Keras",
    ),
    "vgg16": Expert(
        ("vgg16",), DenseHead, "VGG16's average feature map of the photo, a dense softmax head trained in Keras"
    ),
    "concat": Expert(
        ("text", "image"),
        MlpHead,
        "BERT's and ResNet50's features side by side, a dense network with one hidden layer trained in Keras",
    ),
}
"""Every expert by name; a blend's rows follow this order."""


def readers(modality: Modality, among: Iterable[str]) -> tuple[str, ...]:
    """Those of some experts that can say something about a product with these halves, in the order of ``EXPERTS``."""
    halves = {TEXT, IMAGE} if modality is Modality.TEXT_AND_IMAGE else {modality}
    known = set(among)
    return tuple(name for name, expert in EXPERTS.items() if name in known and expert.halves & halves)


def features_read(experts: Iterable[str]) -> tuple[str, ...]:
    """The cached features that some experts need, in the order of ``FEATURES``."""
    needed = {feature for name in experts for feature in EXPERTS[name].features}
    return tuple(feature for feature in FEATURES if feature in needed)


class Encoder(Protocol):
    """Turns texts or photos into ``(n, width)`` float16; ``sha`` names its weights."""

    @property
    def sha(self) -> str:
        """The encoder package's sha."""

    @property
    def width(self) -> int:
        """Numbers per row."""

    def features(self, inputs: Any, /) -> NDArray[np.float16]:
        """``(n, width)`` float16 for n texts, or for ``(n, 224, 224, 3)`` uint8 RGB photos."""


class Pool(Protocol):
    """Opens packaged encoders; ``inference.encoders.EncoderPool`` is one."""

    def text(self, sha: str) -> Encoder:
        """The text encoder packaged as ``sha``."""

    def image(self, sha: str) -> Encoder:
        """The image encoder packaged as ``sha``."""


def open_encoder(feature: str, sha: str, pool: Pool) -> Encoder:
    """Return what computes a feature: the packaged encoder ``sha``, or the code that needs no weights.

    Raises:
        MissingPackage, CorruptPackage, GoldenMismatch: as the pool says.
        UnsupportedPreprocessing: ``sha`` names other code than this.
    """
    if feature in WITHOUT_WEIGHTS:
        return WITHOUT_WEIGHTS[feature].open(sha)
    return pool.text(sha) if FEATURES[feature] is TEXT else pool.image(sha)
