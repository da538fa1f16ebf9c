"""Packaged models as a person chooses among them: read from their specs, without loading them."""

import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from core.errors import NotFound
from core.registry.packages import MODEL, CorruptPackage, MissingPackage, encoders_of, open_package

log = logging.getLogger(__name__)


class UnknownVersion(NotFound):
    """No model is packaged under this version."""

    code = "model.unknown_version"

    def __init__(self) -> None:
        super().__init__("No model is packaged under this version.")


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a model says of itself.

    Attributes:
        version: its package's sha256.
        name: under which it is released, such as ``fusion``.
        architecture: the recipe it was made by.
        taxonomy_version: of the categories it answers in.
        codes: those categories.
        modalities: which halves of a product it can answer from: ``text+image``, ``text-only``, ``image-only``.
        experts: what it is made of.
        encoders: sha256 of what makes each feature, by feature.
        weights: what the encoders were loaded from, by feature.
        manifest: the snapshot it learnt from.
    """

    version: str
    name: str
    architecture: str
    taxonomy_version: str
    codes: tuple[int, ...]
    modalities: tuple[str, ...]
    experts: tuple[str, ...]
    encoders: Mapping[str, str]
    weights: Mapping[str, str]
    manifest: int | None

    @classmethod
    def of(cls, version: str, spec: Mapping[str, Any]) -> Self:
        """Read a package's spec.

        Raises:
            KeyError: it is not a model's.
        """
        return cls(
            version=version,
            name=spec["name"],
            architecture=spec["architecture"],
            taxonomy_version=spec["taxonomy_version"],
            codes=tuple(spec["codes"]),
            modalities=tuple(sorted(spec["blends"])),
            experts=tuple(spec["temperatures"]),
            encoders={feature: sha for feature, sha in spec["encoders"].items() if sha is not None},
            weights=dict(spec["weights"]),
            manifest=spec["snapshot"]["manifest"],
        )


def read_model(root: Path, version: str) -> ModelFacts:
    """What the model packaged as ``version`` says of itself. Its arrays are not looked at.

    Raises:
        UnknownVersion: there is no such package, it is not a model's, or ``version`` is not 64 hexadecimal digits.
        CorruptPackage: its manifest or spec is not what was written.
    """
    try:
        package = open_package(root, version, rehash=False)
    except MissingPackage as error:
        raise UnknownVersion from error
    if package.kind != MODEL:
        raise UnknownVersion
    try:
        return ModelFacts.of(package.sha, package.spec)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CorruptPackage(package.path, f"its spec is not a model's: {type(error).__name__}: {error}") from error


def newest_models(root: Path, *, limit: int, leave_out: Collection[str]) -> list[ModelFacts]:
    """Up to ``limit`` models that were packaged last, newest first; damaged ones are passed over and logged."""
    found: list[ModelFacts] = []
    for version in _newest_first(root):
        if len(found) == limit:
            break
        if version in leave_out:
            continue
        try:
            found.append(read_model(root, version))
        except UnknownVersion:
            continue
        except CorruptPackage as error:
            log.warning("package.unreadable", extra={"package": version, "reason": str(error)})
    return found


def verify_model(root: Path, version: str, *, in_use: Collection[str] = ()) -> None:
    """Hash every file of a model's package and of the encoders it needs; those ``in_use`` only have to be there.

    Raises:
        MissingPackage, CorruptPackage: one of them is not what was written.
    """
    package = open_package(root, version)
    for sha in encoders_of(package):
        open_package(root, sha, rehash=sha not in in_use)


def packaged_at(root: Path, version: str) -> datetime:
    """When the package appeared here, by the file system's clock.

    Raises:
        OSError: it is gone.
    """
    return datetime.fromtimestamp((root / version).stat().st_mtime, UTC)


def _newest_first(root: Path) -> Iterator[str]:
    if not root.is_dir():
        return
    ages = [(path.stat().st_mtime, path.name) for path in root.iterdir() if not path.name.startswith(".")]
    yield from (name for _, name in sorted(ages, reverse=True))
