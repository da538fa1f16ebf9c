"""Packages: one immutable folder per encoder or model, named by what it computes.

    packages/<sha>/  spec.json  arrays.safetensors  …other files…  manifest.json

    packages/dropped/<sha>.json   when and why retention removed a package (``core.retention``)

The sha covers the *identity*: kind, spec, arrays and the named identity files. Exports, golden answers
and the model card are derived from these: each is hashed in the manifest and verified when the package
is opened, but the same weights have the same sha on every machine. Nothing is ever unpickled.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from core import failpoints
from core.durable import aside_name, flush, flush_tree, make_folder
from core.errors import NotFound, Unavailable
from core.registry.claims import claiming, mark
from core.store.durable import aside_folder

MANIFEST, SPEC, ARRAYS = "manifest.json", "spec.json", "arrays.safetensors"
DROPPED = "dropped"
"""Folder of what is written down of dropped packages."""
COMPILED, COMPILED_OF = "compiled", "graph.json"
"""Folder of graphs compiled for a processor (``inference.compiled``); the file of each that names its graph's files."""
MODEL = "model"
"""Kind of a model's package."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


class MissingPackage(NotFound):
    """No package has this sha.

    Attributes:
        sha: what was asked for.
    """

    code = "package.missing"

    def __init__(self, sha: str) -> None:
        super().__init__(f"there is no package {sha[:80]!r}")
        self.sha = sha


class DroppedPackage(MissingPackage):
    """The package was here, and retention has removed it; docs/retention.md says which ones stay."""

    code = "package.dropped"

    def __init__(self, sha: str, record: Mapping[str, Any]) -> None:
        NotFound.__init__(self, f"package {sha[:12]} was dropped on {record.get('dropped_on')}: {record.get('reason')}")
        self.sha = sha


class CorruptPackage(Unavailable):
    """A package's files are not those it was written with; it is neither trained on nor served.

    Attributes:
        path: its folder.
    """

    code = "package.corrupt"

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"package {path.name} is corrupt: {what}")
        self.path = path


@dataclass(frozen=True, slots=True)
class Package:
    """A verified package.

    Attributes:
        path: its folder.
        sha: 64 hexadecimal digits over its identity.
        kind: ``text-encoder``, ``image-encoder`` or ``model``.
        spec: content of ``spec.json``.
        files: sha256 of every file by its name relative to ``path``, in POSIX spelling.
    """

    path: Path
    sha: str
    kind: str
    spec: dict[str, Any]
    files: Mapping[str, str] = field(repr=False)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Load the arrays by name."""
        return safetensors.numpy.load_file(self.path / ARRAYS)

    def file(self, name: str) -> Path:
        """Return where the file ``name`` lies.

        Raises:
            CorruptPackage: the package was written without it.
        """
        if name not in self.files:
            raise CorruptPackage(self.path, f"it has no file {name}")
        return self.path / name


def canonical_json(value: object) -> bytes:
    """Encode as JSON with one spelling for equal values.

    Raises:
        ValueError: it holds NaN or an infinity, which JSON cannot say.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def write_package(
    root: Path,
    *,
    kind: str,
    spec: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    identity_files: Mapping[str, bytes] | None = None,
    extra_files: Mapping[str, bytes] | None = None,
    derived: Callable[[Path], None] | None = None,
) -> Package:
    """Write a package durably, or return the one that already has this identity.

    Two writers of the same identity are harmless: the second finds the first's folder. A folder that is
    there but damaged is moved aside (``.<sha>.….aside``) and replaced.

    Args:
        root: the packages folder; created when missing.
        kind: part of the identity.
        spec: JSON-able; part of the identity.
        arrays: C-ordered on the way out; names, dtypes, shapes and values are part of the identity.
        identity_files: further files that are part of the identity.
        extra_files: files that are not: a model card, golden answers.
        derived: called with the folder once the files above are in it; adds what can be computed from
            them. Not called when the package is already there.

    Raises:
        OSError: the disk refused; no package appears.
    """
    identity = {
        SPEC: canonical_json(spec),
        ARRAYS: safetensors.numpy.save({name: np.ascontiguousarray(array) for name, array in arrays.items()}),
        **(identity_files or {}),
    }
    sha = _sha_of(kind, {name: _sha256(data) for name, data in identity.items()})
    make_folder(root)
    try:
        claim(root, sha)
        package = open_package(root, sha)
    except (MissingPackage, CorruptPackage):
        pass
    else:
        flush(root)  # visible is not yet durable: its writer may have been cut short
        return package
    with aside_folder(root / sha) as aside:
        _fill(aside, {**(extra_files or {}), **identity})
        if derived is not None:
            derived(aside)
        _seal(aside, sha, kind, sorted(identity))
        failpoints.reach("package.written")
        _publish(aside, root, sha)
    return open_package(root, sha)


def open_package(root: Path, sha: str, *, rehash: bool = True) -> Package:
    """Open a package and verify the sha itself and every file's hash, or without ``rehash`` that it is there.

    Raises:
        MissingPackage: no such package, or ``sha`` is not 64 hexadecimal digits.
        DroppedPackage: it was here until retention removed it.
        CorruptPackage: a file is missing, added to the manifest or changed since it was written.
    """
    path = root / sha
    if not _SHA256.fullmatch(sha) or not path.is_dir():
        raise _why_missing(root, sha)
    try:
        manifest = json.loads((path / MANIFEST).read_bytes())
        files, kind, identity = dict(manifest["files"]), str(manifest["kind"]), list(manifest["identity"])
        for name, recorded in files.items():
            if rehash and _hash_file(path / _inside(name)) != recorded:
                raise CorruptPackage(path, f"{name} has changed")
            if not (path / _inside(name)).is_file():
                raise CorruptPackage(path, f"{name} is missing")
        if sha != _sha_of(kind, {name: files[name] for name in identity}) or manifest["sha"] != sha:
            raise CorruptPackage(path, "its content has another sha")
        return Package(path, sha, kind, json.loads((path / SPEC).read_bytes()), files)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptPackage(path, f"{type(error).__name__}: {error}") from error


def claim(root: Path, sha: str) -> Package:
    """Keep retention away from a package and its encoders for days; returns it, its files not hashed.

    Whoever is going to rely on a package that the ledger does not name yet claims it first.

    Raises:
        MissingPackage, DroppedPackage, CorruptPackage: as ``open_package`` says; nothing was claimed.
    """
    with claiming(root):
        package = open_package(root, sha, rehash=False)
        mark(root, [sha, *encoders_of(package)])
    return package


def encoders_of(package: Package) -> list[str]:
    """The shas of the encoder packages that a model's package needs; none for an encoder's own.

    Appearance features are computed by code: what is named there is no package.
    """
    named = package.spec.get("encoders", {})
    return [sha for feature, sha in named.items() if feature != "appearance"]


def dropped_path(root: Path, sha: str) -> Path:
    """Where it is written down that retention has removed a package: when and why, as JSON."""
    return root / DROPPED / f"{sha}.json"


def _why_missing(root: Path, sha: str) -> MissingPackage:
    if not _SHA256.fullmatch(sha):
        return MissingPackage(sha)
    try:
        return DroppedPackage(sha, json.loads(dropped_path(root, sha).read_bytes()))
    except (FileNotFoundError, ValueError, AttributeError):
        return MissingPackage(sha)


def _sha_of(kind: str, identity: Mapping[str, str]) -> str:
    return _sha256(canonical_json({"kind": kind, "files": dict(identity)}))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _inside(name: str) -> str:
    """Return ``name`` if it names a file below the folder that it is joined to."""
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts or name in ("", MANIFEST) or "\\" in name:
        raise ValueError(f"a package's file lies inside it. Received: {name!r}")
    return name


def _fill(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / _inside(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _seal(folder: Path, sha: str, kind: str, identity: list[str]) -> None:
    """Write the manifest over everything in the folder, then flush it all."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    files = {name: _hash_file(folder / name) for name in names}
    manifest = {"sha": sha, "kind": kind, "identity": identity, "files": files}
    (folder / MANIFEST).write_bytes(json.dumps(manifest, indent=1, sort_keys=True).encode())
    flush_tree(folder)


def _publish(aside: Path, root: Path, sha: str) -> None:
    """Rename the folder into place unless a sound one is there; a damaged one makes room."""
    try:
        open_package(root, sha)
    except MissingPackage:
        pass
    except CorruptPackage:
        (root / sha).rename(aside_name(root / sha))
    else:
        return
    try:
        aside.rename(root / sha)
    except OSError:
        if not (root / sha).is_dir():
            raise
        open_package(root, sha)  # another writer was faster
    failpoints.reach("package.visible")
    flush(root)
