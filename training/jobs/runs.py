"""What makes a training the same training, and the folder in which a run keeps what its verbs found.

runs/<slug of the run key>/<verb>.json   one result per verb: a verb that finds its own is done
runs/trained/<train key>.json            the package of every training ever finished
runs/last/<model>.json                   the package that a model of this name was last trained to
runs/encoders.json                       the encoders that the next training uses
runs/decisions/<package>.json            what a person was asked about it last, and answered
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.durable import make_folder, write_durably

_CODE = Path(__file__).resolve().parents[2]
_ROOMS = ("preprocessing", "inference", "training")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def slug(run_key: str) -> str:
    """A folder name for any run key: readable at its beginning, unique by its end."""
    readable = _UNSAFE.sub("_", run_key).strip("._")[:80]
    return f"{readable}-{hashlib.sha256(run_key.encode()).hexdigest()[:8]}"


def code_files(root: Path = _CODE) -> dict[str, str]:
    """The sha256 of every Python file that a training runs through, by its path below ``root``."""
    paths = sorted(path for room in _ROOMS for path in (root / room).rglob("*.py"))
    return {path.relative_to(root).as_posix(): _sha256(path.read_bytes()) for path in paths}


def version_of(files: Mapping[str, str]) -> str:
    """One sha256 over paths and contents, as ``code_files`` gives them."""
    return _sha256("".join(f"{path}\0{sha}\n" for path, sha in files.items()).encode())


def code_version(root: Path = _CODE) -> str:
    """The sha256 over the path and content of every Python file that a training runs through."""
    return version_of(code_files(root))


def train_key(
    *,
    manifest_sha256: str,
    code: str,
    config: bytes,
    encoders: Mapping[str, str],
    taxonomy: str,
    model: str = "fusion",
    warm_start: str | None = None,
) -> str:
    """What names a training: two with the same key give the same package on the same kind of processor.

    Args:
        manifest_sha256: of the snapshot it learns from.
        code: ``code_version()``.
        config: bytes of ``training/config.toml``.
        encoders: encoder package shas by kind.
        taxonomy: version of the active taxonomy, whose codes are the model's columns.
        model: name it is released under.
        warm_start: sha of the package whose weights it starts from; None starts from nothing.
    """
    facts = [
        manifest_sha256,
        code,
        _sha256(config),
        taxonomy,
        *(f"{kind}={sha}" for kind, sha in sorted(encoders.items())),
        f"model={model}",
        f"warm_start={warm_start}",
    ]
    return _sha256("\n".join(facts).encode())


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def utc_now() -> str:
    """The second in which something was finished, for those who read of it; nothing is decided by it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class ResultFile:
    """One JSON object on the disk, absent or whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Any] | None:
        """The object, None where there is none."""
        try:
            return json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return None

    def write(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """Keep ``result`` durably and return it as it will be read back."""
        text = json.dumps(result, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False)
        make_folder(self._path.parent)
        write_durably(self._path, text.encode())
        return json.loads(text)


class Runs:
    """The folder of all runs."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def result(self, run_key: str, verb: str) -> ResultFile:
        """What ``verb`` found in the run ``run_key``."""
        return ResultFile(self._root / slug(run_key) / f"{verb}.json")

    def trained(self, key: str) -> ResultFile:
        """What the training named ``key`` gave, whichever run asked for it."""
        return ResultFile(self._root / "trained" / f"{key}.json")

    def tuned(self, encoder: str) -> ResultFile:
        """How the encoder packaged as ``encoder`` was fine-tuned here."""
        return ResultFile(self._root / "tuned" / f"{encoder}.json")

    def event_logs(self, run_key: str) -> Path:
        """The folder of the run's curves for TensorBoard."""
        return self._root / "tensorboard" / slug(run_key)

    def last_trained(self, model: str) -> ResultFile:
        """The ``package`` and ``train_key`` that a model of this name was last trained to."""
        return ResultFile(self._root / "last" / f"{model}.json")

    def decision(self, package: str) -> ResultFile:
        """What a person was asked last about a package, and answered."""
        return ResultFile(self._root / "decisions" / f"{package}.json")

    def all_trained(self) -> Iterator[dict[str, Any]]:
        """Every training ever finished here."""
        for path in sorted((self._root / "trained").glob("*.json")):
            training = ResultFile(path).read()
            if training is not None:
                yield training

    def all_tuned(self) -> Iterator[dict[str, Any]]:
        """Every encoder ever fine-tuned here."""
        for path in sorted((self._root / "tuned").glob("*.json")):
            tuned = ResultFile(path).read()
            if tuned is not None:
                yield tuned

    def all_fitted(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """What ``fit`` found in each run, and what ``judge`` then said of that package; nothing where it said nothing.

        A run from before they noted it has its folder's name as ``run_key``.
        """
        for path in sorted(self._root.glob("*/fit.json")):
            fitted = ResultFile(path).read()
            judged = ResultFile(path.with_name("judge.json")).read() or {}
            if fitted is not None:
                same = judged.get("package") == fitted["package"]
                yield {"run_key": path.parent.name, **fitted}, judged if same else {}
