"""Pretrained weights to encoder packages, once per source.

TensorFlow is imported only when a package is really built: a warm run costs the hashes of its files.
"""

import functools
import hashlib
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.durable import make_folder, write_durably
from core.registry.packages import (
    CorruptPackage,
    MissingPackage,
    Package,
    canonical_json,
    claim,
    open_package,
    write_package,
)
from core.settings import ModelSettings
from inference.encoders import IMAGE_ENCODER, TEXT_ENCODER, TOKENIZER
from inference.tokens import TokenReader, pad
from preprocessing.images import IMAGE_SIZE
from preprocessing.spec import PreprocessingSpec
from training.encoders.sources import IMAGE_ARCHITECTURES, Source, find_image_source, find_text_source

# Part of every spec: raise it when the graph that the code below exports from the same weights changes.
_REVISION = 1
_GOLDEN_TEXTS = (
    "Console de jeux vidéo portable, édition limitée",
    "Lot de 3 coussins d'extérieur bleus 40 x 40 cm. Housse déhoussable et lavable à 30°",
    "NA",
    "",
    "Roman policier 👍 " + "un détective, une île, un secret et beaucoup de pluie ; " * 12 + "tome 2",
)

log = logging.getLogger(__name__)


def build_text_encoder(settings: ModelSettings, packages_root: Path, *, max_tokens: int = 64) -> Package:
    """Package the text encoder that ``MODEL_TEXT_ENCODER`` names, or return the package it already has.

    Args:
        settings: names the source.
        packages_root: where packages lie.
        max_tokens: tokens read of each text, special ones included.

    Raises:
        BadEncoderSource: the source cannot be loaded; nothing is loaded in its place.
        GoldenMismatch: the exported graph does not compute what Keras computes.
    """
    source = find_text_source(settings.text_encoder)
    rules = PreprocessingSpec(max_tokens=max_tokens)
    return _once(packages_root, TEXT_ENCODER, source, rules, _write_text_encoder)


def build_image_encoder(settings: ModelSettings, packages_root: Path, architecture: str = "resnet50") -> Package:
    """Package an image encoder with the weights that ``MODEL_IMAGE_WEIGHTS`` names, or return the package it has.

    Args:
        settings: names the source.
        packages_root: where packages lie.
        architecture: ``resnet50``, ``xception``, ``inceptionv3`` or ``vgg16``.

    Raises:
        BadEncoderSource: the source cannot be loaded; nothing is loaded in its place.
        GoldenMismatch: the exported graph does not compute what Keras computes.
    """
    source = find_image_source(settings.image_weights, architecture)
    write = functools.partial(_write_image_encoder, architecture)
    return _once(packages_root, IMAGE_ENCODER, source, PreprocessingSpec(), write)


_Writer = Callable[[Path, Source, PreprocessingSpec], Package]


def _once(root: Path, kind: str, source: Source, rules: PreprocessingSpec, write: _Writer) -> Package:
    """Return the package noted for this source in ``packages/sources/``, or write it and note it."""
    asked = {"kind": kind, "source": source.to_dict(), "preprocessing": rules.to_dict(), "revision": _REVISION}
    note = root / "sources" / hashlib.sha256(canonical_json(asked)).hexdigest()
    started = time.monotonic()
    try:
        package, built = open_package(root, claim(root, note.read_text()).sha), False
    except (FileNotFoundError, MissingPackage, CorruptPackage):
        package, built = write(root, source, rules), True
        make_folder(note.parent)
        write_durably(note, package.sha.encode())
    facts = {"kind": kind, "sha": package.sha, "loaded": source.loaded, "licence": source.licence, "built": built}
    log.info("encoder.ready", extra={**facts, "seconds": round(time.monotonic() - started, 3)})
    return package


def _write_text_encoder(root: Path, source: Source, rules: PreprocessingSpec) -> Package:
    from training.encoders.bert import load_bert  # imports TensorFlow
    from training.encoders.export import export_graph, write_golden

    model, config, tensors = load_bert(source.path, rules.max_tokens)
    tokenizer = (source.path / TOKENIZER).read_bytes()
    ids, mask = pad(TokenReader(tokenizer, rules.max_tokens).read(_GOLDEN_TEXTS), rules.max_tokens)

    def derive(folder: Path) -> None:
        export_graph(model, folder)
        difference = write_golden(
            model, folder, given={"texts": np.array(_GOLDEN_TEXTS)}, inputs={"ids": ids, "mask": mask}
        )
        log.info("encoder.exported", extra={"kind": TEXT_ENCODER, "largest_difference": difference})

    architecture = {"architecture": "bert", "width": config.hidden_size, "config": config.to_dict()}
    return write_package(
        root,
        kind=TEXT_ENCODER,
        spec=_spec(source, rules, architecture),
        arrays=tensors,
        identity_files={TOKENIZER: tokenizer},
        extra_files={"model_card.md": _card("BERT text encoder", source)},
        derived=derive,
    )


def _write_image_encoder(architecture: str, root: Path, source: Source, rules: PreprocessingSpec) -> Package:
    from training.encoders.export import export_graph, write_golden  # imports TensorFlow
    from training.encoders.images import build_network, read_arrays

    model = build_network(architecture, source)
    images = _golden_images()

    def derive(folder: Path) -> None:
        export_graph(model, folder)
        difference = write_golden(model, folder, given={"images": images}, inputs={"images": images})
        log.info("encoder.exported", extra={"kind": IMAGE_ENCODER, "largest_difference": difference})

    return write_package(
        root,
        kind=IMAGE_ENCODER,
        spec=_spec(source, rules, {"architecture": architecture, "width": int(model.output.shape[-1])}),
        arrays=read_arrays(model),
        extra_files={"model_card.md": _card(f"{IMAGE_ARCHITECTURES[architecture][0]} image encoder", source)},
        derived=derive,
    )


def _spec(source: Source, rules: PreprocessingSpec, architecture: dict[str, Any]) -> dict[str, Any]:
    described = {"weights": source.weights, "source": source.to_dict(), "preprocessing": rules.to_dict()}
    return {**architecture, **described, "revision": _REVISION}


def _golden_images() -> NDArray[np.uint8]:
    """Three pictures without a file: noise, a colour ramp, a dark square on white. ``(3, 224, 224, 3)``."""
    images = np.full((3, IMAGE_SIZE, IMAGE_SIZE, 3), 255, np.uint8)
    images[0] = np.random.default_rng(0).integers(0, 256, images[0].shape, dtype=np.uint8)
    ramp = np.arange(IMAGE_SIZE, dtype=np.uint8)
    images[1, :, :, 0], images[1, :, :, 1] = ramp, ramp[:, None]
    images[2, 60:160, 60:160] = (20, 40, 90)
    return images


def _card(title: str, source: Source) -> bytes:
    files = "".join(f"- `{name}` sha256 `{sha}`\n" for name, sha in source.files.items())
    return f"# {title}\n\nLoaded: {source.loaded}.\n\nLicence: {source.licence}.\n\n{files}".encode()
