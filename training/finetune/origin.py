"""The folder that a fine-tuning writes: weights, what they were tuned from, and on what.

    finetuned/<sha>/  finetuned.json  README.md  config.json model.safetensors tokenizer.json | resnet50.weights.h5

The sha is taken over all files but the README. ``MODEL_TEXT_ENCODER`` and ``MODEL_IMAGE_WEIGHTS`` may name it or the
file in it, on any machine.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from core.durable import flush, flush_tree, make_folder
from core.registry.packages import canonical_json
from core.store.durable import aside_folder
from training.encoders.sources import FINETUNED


@dataclass(frozen=True, slots=True)
class Tuning:
    """Where tuned weights come from.

    Attributes:
        source: name of the weights that the tuning began with.
        package: sha of the encoder package of those.
        licence: of those.
        manifest: number of the snapshot it learnt from.
        manifest_sha256: of that snapshot.
        steps: batches learnt from.
        layers: trained layers from the last one back; None is all.
    """

    source: str
    package: str
    licence: str
    manifest: int
    manifest_sha256: str
    steps: int
    layers: int | None


def write_tuned(root: Path, tuning: Tuning, files: Mapping[str, bytes]) -> Path:
    """Write the folder durably, or return the one that is there.

    Raises:
        OSError: the disk refused; no folder appears.
    """
    named = {FINETUNED: canonical_json(asdict(tuning)), **files}
    shas = {name: hashlib.sha256(data).hexdigest() for name, data in named.items()}
    folder = root / hashlib.sha256(canonical_json(shas)).hexdigest()
    make_folder(root)
    if not folder.is_dir():
        with aside_folder(folder) as aside:
            for name, data in {**named, "README.md": _readme(tuning)}.items():
                (aside / name).write_bytes(data)
            flush_tree(aside)
            aside.rename(folder)
    flush(root)
    return folder


def _readme(tuning: Tuning) -> bytes:
    trained = "every layer" if tuning.layers is None else f"the last {tuning.layers} layers"
    return (
        f"# Fine-tuned from {tuning.source}\n\n"
        f"Trained for {tuning.steps} steps, {trained}, on the products of manifest {tuning.manifest} "
        f"(`{tuning.manifest_sha256}`) of this installation's training store.\n\n"
        f"It began with the encoder package `{tuning.package}`. Licence of what it began with: {tuning.licence}.\n"
    ).encode()
