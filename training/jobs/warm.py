"""The package whose weights a training starts from, on a store too large to learn from scratch every time."""

from collections.abc import Callable, Mapping

from core.registry.packages import CorruptPackage, MissingPackage, Package, open_package
from core.settings import StoreSettings
from core.store import manifests
from core.store.manifests import Manifest, NoManifest
from core.store.snapshot import Snapshot
from inference.fusion_model import FusionModel
from training.config import FusionConfig
from training.growth.experts import Start
from training.jobs.origin import NoOrigin, Origin


def with_start(origin: Origin, snapshot: Snapshot, store: StoreSettings, served: Callable[[], str | None]) -> Origin:
    """Let a training on a large snapshot start from the package of its model that is served, where that may be.

    It may not, and starts from nothing, when the package answers in another taxonomy, is damaged, or learnt from a
    row that the snapshot does not have: a label that was taken back must not live on in weights. A package that
    learnt from this very snapshot hands on what it started from itself, so that training again is the same training.
    """
    if not FusionConfig.read(origin.config).growth.is_large([row.split for row in snapshot.rows]):
        return origin
    sha = served()
    try:
        package = open_package(store.packages, sha) if sha else None
    except (MissingPackage, CorruptPackage):
        package = None
    if package is None or not _answers_alike(package, origin):
        return origin
    learnt = package.spec["snapshot"]
    if learnt["sha256"] == snapshot.manifest.sha256:
        return origin.starting_from(_start_of(package))
    return origin.starting_from(package.sha if _holds(snapshot.manifest, store, learnt) else None)


def open_start(package: Package, encoders: Mapping[str, str]) -> Start:
    """Read the weights to start from; ``encoders`` are those of the features that are learnt from now.

    Raises:
        CorruptPackage: it holds no model.
    """
    try:
        model = FusionModel.from_package(package.spec, package.arrays(), package.file)
        return Start(model, package.spec["encoders"], encoders)
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptPackage(package.path, f"{type(error).__name__}: {error}") from error


def _answers_alike(package: Package, origin: Origin) -> bool:
    spec = package.spec
    return (spec.get("architecture"), spec.get("taxonomy_version")) == (origin.model, origin.taxonomy_version)


def _start_of(package: Package) -> str | None:
    try:
        return Origin.of(package).warm_start
    except NoOrigin:
        return None


def _holds(manifest: Manifest, store: StoreSettings, learnt: Mapping[str, object]) -> bool:
    """Whether ``manifest`` has every row of the snapshot ``learnt``."""
    try:
        known = manifests.read(store.training, int(str(learnt["manifest"])))
    except NoManifest:
        return False
    if known.number > manifest.number or known.sha256 != learnt["sha256"]:
        return False
    names = {segment.name for segment in known.segments}
    taken_back = {stone for stone in manifest.tombstones if stone.segment in names}
    return taken_back <= set(known.tombstones)
