"""Pretrained encoders out of their packages: text and photos to features, the same in training and serving."""

import threading
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.registry.packages import CorruptPackage, Package, open_package
from inference.golden import check_golden
from inference.openvino_graph import OpenVinoGraph
from inference.tokens import TokenReader, pad
from preprocessing.spec import PreprocessingSpec

TEXT_ENCODER, IMAGE_ENCODER = "text-encoder", "image-encoder"
GRAPH, GOLDEN, TOKENIZER = "openvino/model.xml", "golden.npz", "tokenizer.json"

_TEXT_BATCH = 8  # texts of like length
_TOKEN_STEP = 16  # lengths are padded up to a multiple: few distinct shapes, little padding
_IMAGE_BATCH = 1  # convolutions fill the cores with one photo; more only cost memory


class TextEncoder:
    """BERT: the mean of a text's real tokens' last states.

    Attributes:
        sha: of its package.
        width: features of one text.
        spec: its package's spec.
    """

    def __init__(self, package: Package, graph: OpenVinoGraph) -> None:
        self.sha, self.width, self.spec = package.sha, int(package.spec["width"]), package.spec
        rules = PreprocessingSpec.from_dict(package.spec["preprocessing"])
        self._reader = TokenReader(package.file(TOKENIZER).read_bytes(), rules.max_tokens)
        self._graph = graph

    @classmethod
    def open(cls, package: Package, threads: int = 0) -> Self:
        """Compile the package's graph and check its golden answers.

        Raises:
            CorruptPackage: it is not a text encoder, or was written without its graph.
            GoldenMismatch: the graph does not give its golden answers here.
            UnsupportedPreprocessing: it was trained with other cleaning rules than this code's.
        """
        _require(package, TEXT_ENCODER)
        encoder = cls(package, OpenVinoGraph.open_packaged(package, GRAPH, threads))
        with np.load(package.file(GOLDEN), allow_pickle=False) as golden:
            check_golden(f"text encoder {package.sha[:12]}", encoder._states(golden["texts"]), golden["features"])
        return encoder

    def features(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """Encode texts as ``preprocessing.text.compose`` returns them.

        A text's features do not depend on its neighbours (to about 1e-6, before rounding).

        Returns:
            ``(len(texts), width)`` float16, row i for text i. An empty text has features too; whoever
            fuses answers knows that it says nothing.
        """
        return self._states(texts).astype(np.float16)

    def _states(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = self._reader.read([str(text) for text in texts])
        by_length = defaultdict(list)
        for index, row in enumerate(rows):
            by_length[min(-(-len(row) // _TOKEN_STEP) * _TOKEN_STEP, self._reader.max_tokens)].append(index)
        states = np.empty((len(rows), self.width), np.float32)
        for length, indices in by_length.items():
            for start in range(0, len(indices), _TEXT_BATCH):
                batch = indices[start : start + _TEXT_BATCH]
                ids, mask = pad([rows[index] for index in batch], length)
                states[batch] = self._graph.run(ids=ids, mask=mask)
        return states


class ImageEncoder:
    """ResNet50, Xception, InceptionV3 or VGG16: the global average of its last feature maps.

    Attributes:
        sha: of its package.
        width: features of one photo.
        spec: its package's spec.
    """

    def __init__(self, package: Package, graph: OpenVinoGraph) -> None:
        self.sha, self.width, self.spec = package.sha, int(package.spec["width"]), package.spec
        PreprocessingSpec.from_dict(package.spec["preprocessing"])
        self._graph = graph

    @classmethod
    def open(cls, package: Package, threads: int = 0) -> Self:
        """Compile the package's graph and check its golden answers.

        Raises:
            CorruptPackage: it is not an image encoder, or was written without its graph.
            GoldenMismatch: the graph does not give its golden answers here.
            UnsupportedPreprocessing: it was trained with another resize rule than this code's.
        """
        _require(package, IMAGE_ENCODER)
        encoder = cls(package, OpenVinoGraph.open_packaged(package, GRAPH, threads))
        with np.load(package.file(GOLDEN), allow_pickle=False) as golden:
            check_golden(f"image encoder {package.sha[:12]}", encoder._maps(golden["images"]), golden["features"])
        return encoder

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float16]:
        """Encode photos as ``preprocessing.images.to_tensor`` returns them.

        Args:
            images: ``(n, 224, 224, 3)`` uint8, RGB, 0 to 255; a memory map is read batch by batch.

        Returns:
            ``(n, width)`` float16, row i for photo i.
        """
        return self._maps(images).astype(np.float16)

    def _maps(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        maps = np.empty((len(images), self.width), np.float32)
        for start in range(0, len(images), _IMAGE_BATCH):
            batch = slice(start, start + _IMAGE_BATCH)
            maps[batch] = self._graph.run(images=np.ascontiguousarray(images[batch]))
        return maps


class EncoderPool:
    """Opens each encoder once and shares it between the models that name it. Threads may share the pool."""

    def __init__(self, packages_root: Path, threads: int = 0) -> None:
        self._root, self._threads = packages_root, threads
        self._texts: dict[str, TextEncoder] = {}
        self._images: dict[str, ImageEncoder] = {}
        self._lock = threading.Lock()

    def text(self, sha: str) -> TextEncoder:
        """Return the text encoder packaged as ``sha``; raises what ``open_package`` and ``open`` raise."""
        with self._lock:
            if sha not in self._texts:
                self._texts[sha] = TextEncoder.open(open_package(self._root, sha), self._threads)
            return self._texts[sha]

    def image(self, sha: str) -> ImageEncoder:
        """Return the image encoder packaged as ``sha``; raises what ``open_package`` and ``open`` raise."""
        with self._lock:
            if sha not in self._images:
                self._images[sha] = ImageEncoder.open(open_package(self._root, sha), self._threads)
            return self._images[sha]


def _require(package: Package, kind: str) -> None:
    if package.kind != kind:
        raise CorruptPackage(package.path, f"it must be of kind {kind}. Received: {package.kind}")
