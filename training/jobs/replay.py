"""The verb ``replay``: a promotion's training done again, beside everything else, and compared by its package's sha."""

import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.db.repositories import promotions
from core.errors import Conflict, NotFound
from core.registry.packages import Package, claim, encoders_of, open_package
from core.store import manifests
from core.store.snapshot import Snapshot
from training.jobs import learn
from training.jobs.origin import Origin
from training.jobs.runs import code_files
from training.jobs.workplace import MODEL, Stopwatch, Workplace

log = logging.getLogger(__name__)

_NAMED = 20  # files of code that a report names


class NoSuchPromotion(NotFound):
    """The ledger has no such epoch, or no model of this name in it."""

    code = "release.no_such_promotion"


class SnapshotDiffers(Conflict):
    """The training store's manifest of this number is not the one that the package learnt from."""

    code = "training.snapshot_differs"


def replay(workplace: Workplace, *, promotion: int, model: str = MODEL) -> dict[str, Any]:
    """Train again what the ledger's epoch ``promotion`` served, and compare.

    Snapshot, configuration, categories, encoders and starting weights are those that the package names; the code is
    today's. Features come from the cache, which is keyed by encoder and content, or are computed again.

    Returns:
        ``equal``, ``package`` (the ledger's), ``replayed``, ``differences`` in words (also when equal: other code
        that gives the same model is worth knowing), ``manifest``, ``warm_start``, and seconds.

    Raises:
        NoSuchPromotion: the ledger does not have it.
        MissingPackage: the package, an encoder's or the one whose weights it started from is gone.
        DroppedPackage: retention has removed one of them; the message says when and why.
        NoOrigin: the package does not say how it was made.
        NoManifest, SnapshotDiffers: the training store is another one.
        CorruptSegment, CorruptPackage: what it was made from was damaged since.
    """
    watch = Stopwatch()
    with watch.stage("open"):
        package = _promoted(workplace, promotion, model)
        origin = Origin.of(package)
        if origin.warm_start is not None:
            claim(workplace.store.packages, origin.warm_start)
        snapshot = _snapshot(workplace, origin)
    with tempfile.TemporaryDirectory(prefix="etalon-replay-") as name:
        root = Path(name)
        _lend(package, workplace.store.packages, root)
        trained = learn.train(workplace, snapshot, origin, root)
        again = open_package(root, trained["package"])
        differences = [*_other_code(origin.code), *_other_content(package, again)]
    result = {
        "promotion": promotion,
        "model": model,
        "equal": again.sha == package.sha,
        "package": package.sha,
        "replayed": again.sha,
        "differences": differences,
        "manifest": origin.manifest,
        "rows": trained["rows"],
        "warm_start": origin.warm_start,
    }
    log.info("replay.compared", extra={"promotion": promotion, "equal": result["equal"]})
    stages = {**watch.seconds, **trained["stages"]}
    return {**result, "seconds": round(sum(stages.values()), 2), "stages": stages}


def _promoted(workplace: Workplace, promotion: int, model: str) -> Package:
    with workplace.sessions() as session:
        row = promotions.at_epoch(session, promotion)
    if row is None or model not in row.models:
        raise NoSuchPromotion(f"the ledger has no model {model} in promotion {promotion}")
    return open_package(workplace.store.packages, claim(workplace.store.packages, row.models[model]).sha)


def _snapshot(workplace: Workplace, origin: Origin) -> Snapshot:
    found = manifests.read(workplace.store.training, origin.manifest)
    if found.sha256 != origin.manifest_sha256:
        raise SnapshotDiffers(f"manifest {origin.manifest} is {found.sha256[:12]}, not {origin.manifest_sha256[:12]}")
    return workplace.snapshot(origin.manifest)


def _lend(package: Package, packages: Path, root: Path) -> None:
    """Let a folder of packages see the encoders that the model needs."""
    for sha in encoders_of(package):
        claim(packages, sha)
        (root / sha).symlink_to((packages / sha).resolve(), target_is_directory=True)


def _other_code(then: Mapping[str, str]) -> list[str]:
    now = code_files()
    changed = sorted(path for path in {*then, *now} if then.get(path) != now.get(path))
    if not changed:
        return []
    named = ", ".join(changed[:_NAMED]) + (f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else "")
    return [f"code: {len(changed)} of {len(then)} files are not those of the training: {named}"]


def _other_content(then: Package, now: Package) -> list[str]:
    """What of the identity differs: names in the spec, arrays."""
    if then.sha == now.sha:
        return []
    spec = sorted(name for name in {*then.spec, *now.spec} if then.spec.get(name) != now.spec.get(name))
    before, after = then.arrays(), now.arrays()
    found = [f"spec: {', '.join(spec)}"] if spec else []
    for name in sorted({*before, *after}):
        if name not in before or name not in after or before[name].shape != after[name].shape:
            found.append(f"array {name}: another shape, or in one of them only")
        elif before[name].tobytes() != after[name].tobytes():
            away = abs(before[name].astype(float) - after[name].astype(float)).max()
            found.append(f"array {name}: up to {away:.3g} apart")
    return found
