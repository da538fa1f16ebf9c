"""What exists in a store, as the rules want it. Nothing is changed; what vanishes meanwhile is passed over."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.errors import EtalonError
from core.registry.claims import claimed_at
from core.registry.packages import COMPILED, COMPILED_OF, MODEL, Package, encoders_of, open_package
from core.retention.rules import CacheFile, Compiled, Packaged, Tuned

_SHA_LENGTH = 64
_ORIGIN = "origin/origin.json"


def bytes_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; 0 where there is nothing."""
    return path.stat().st_size if path.is_file() else sum(_sizes_below(path))


def _sizes_below(folder: Path) -> Iterator[int]:
    """The size of every file below a folder; links are not followed."""
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _sizes_below(Path(entry.path))
        else:
            with suppress(FileNotFoundError):
                yield entry.stat(follow_symlinks=False).st_size


def held_by(root: Path) -> dict[str, int]:
    """Bytes of each folder directly in the store, by its name."""
    return {path.name: bytes_of(path) for path in sorted(root.glob("[!.]*")) if path.is_dir()}


def packages(root: Path) -> list[Packaged]:
    """Every package in a folder of packages."""
    if not root.is_dir():
        return []
    return [_packaged(root, path) for path in sorted(root.iterdir()) if len(path.name) == _SHA_LENGTH and path.is_dir()]


def _packaged(root: Path, path: Path) -> Packaged:
    touched_at = max(path.stat().st_mtime, claimed_at(root, path.name))
    try:
        package = open_package(root, path.name, rehash=False)
        facts = _facts(package)
    except (EtalonError, OSError, ValueError, TypeError, AttributeError, KeyError):
        return Packaged(path.name, True, bytes_of(path), touched_at, is_readable=False)
    return Packaged(path.name, package.kind == MODEL, bytes_of(path), touched_at, **facts)


def _facts(package: Package) -> dict[str, Any]:
    source = package.spec.get("source", {})
    return {
        "features": frozenset(sha for sha in package.spec.get("encoders", {}).values() if sha),
        "encoders": frozenset(sha for sha in encoders_of(package) if sha),
        "warm_start": _warm_start(package),
        "tuned_from": source.get("finetuned_from"),
        "files": frozenset(package.files.values()),
        "weights": frozenset(source.get("files", {}).values()),
    }


def _warm_start(package: Package) -> str | None:
    return json.loads(package.file(_ORIGIN).read_bytes())["warm_start"] if _ORIGIN in package.files else None


def features(root: Path) -> Iterator[CacheFile]:
    """Every file of the feature cache."""
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        for path in sorted(folder.glob("[!.]*.npy")):
            with suppress(FileNotFoundError):
                yield CacheFile(folder.name, path.name, path.stat().st_mtime)


def tuned(root: Path, *, since: float) -> Iterator[Tuned]:
    """Every folder of tuned weights; the weights of young ones are not read."""
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        if folder.is_dir() and not folder.name.startswith("."):
            changed_at = max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
            files = [*folder.glob("*.safetensors"), *folder.glob("*.h5")] if changed_at < since else []
            yield Tuned(folder.name, changed_at, frozenset(_sha256(path) for path in files))


def compiled(packages_root: Path) -> Iterator[Compiled]:
    """Every graph that is kept compiled beside the packages."""
    folder = packages_root / COMPILED
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not entry.name.startswith("."):
            with suppress(FileNotFoundError):
                yield Compiled(entry.name, entry.stat().st_mtime, _graph_of(entry))


def _graph_of(entry: Path) -> frozenset[str]:
    """What it says that it was compiled from; nothing where it is older than that record."""
    try:
        return frozenset(json.loads((entry / COMPILED_OF).read_bytes()).values())
    except (OSError, ValueError, AttributeError):
        return frozenset()


def older_than(folder: Path, pattern: str, since: float) -> Iterator[Path]:
    """The files below ``folder`` that have a name like ``pattern`` and were not written since then; no links."""
    for path in folder.rglob(pattern) if folder.is_dir() else ():
        with suppress(FileNotFoundError):
            if path.is_file() and not path.is_symlink() and path.stat().st_mtime < since:
                yield path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
