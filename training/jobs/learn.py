"""The verbs up to a packaged model: ``encoders``, ``features``, ``fit``."""

import logging
from pathlib import Path
from typing import Any

from core.domain.product import Product
from core.domain.taxonomy import Taxonomy
from core.errors import Conflict
from core.registry.packages import CorruptPackage, MissingPackage, claim, open_package
from core.store.snapshot import Snapshot
from inference.family import WITHOUT_WEIGHTS
from preprocessing.images import MissingImage
from training.config import FusionConfig
from training.event_log import write_curves
from training.family import recipe_of
from training.features import FeatureSet
from training.fit import FittedModel, fit_model
from training.growth.experts import Start
from training.jobs.exam import as_product
from training.jobs.origin import Origin
from training.jobs.runs import utc_now
from training.jobs.warm import open_start
from training.jobs.workplace import MODEL, Stopwatch, Workplace
from training.learning_rows import TrainingData
from training.package import Provenance, golden_rows, package_model
from training.suspects import Suspect, as_dicts, find_suspects

log = logging.getLogger(__name__)


_GOLDEN, _GOLDEN_CANDIDATES = 4, 64


class NeverTrained(Conflict):
    """No training recorded here gave this package."""

    code = "training.unknown_package"


def package_encoders(workplace: Workplace, *, model: str = MODEL) -> dict[str, Any]:
    """Package the encoders that the settings name for a model; returns their shas by feature."""
    watch = Stopwatch()
    with watch.stage("encoders"):
        encoders = workplace.encoders(workplace.recipe(model).features)
    return {**encoders, **watch.report()}


def embed(workplace: Workplace, *, manifest: int | None, model: str = MODEL) -> dict[str, Any]:
    """Fill the feature cache for a snapshot and a model; returns how many rows were not in it."""
    watch = Stopwatch()
    with watch.stage("encoders"):
        encoders = workplace.encoders(workplace.recipe(model).features)
    with watch.stage("features"):
        snapshot = workplace.snapshot(manifest)
        features = workplace.features(snapshot, encoders, rows=[])
    counted = {"manifest": snapshot.manifest.number, "rows": len(snapshot.rows)}
    return {**counted, "embedded_rows": features.embedded_rows, **watch.report()}


def fit(workplace: Workplace, *, manifest: int | None, run_key: str, model: str = MODEL) -> dict[str, Any]:
    """Train a model on a snapshot and package it, unless this very training has been done before.

    Returns:
        ``model``, ``package``, ``train_key``, ``manifest``, ``rows`` by split, ``reused``, ``run_key``,
        ``finished_at``, and seconds.

    Raises:
        UnknownModel: no recipe has this name.
        TooFewRows: fewer than two classes have training rows that the model can read.
    """
    kept = workplace.runs.result(run_key, "fit")
    done = kept.read()
    is_same = done and manifest in (None, done["manifest"]) and done.get("model", MODEL) == model
    if done and is_same and _is_there(workplace, done["package"]):
        return done
    snapshot = workplace.snapshot(manifest)
    origin = workplace.origin(snapshot, model)
    trained = workplace.runs.trained(origin.train_key)
    before = trained.read()
    reused = before is not None and _is_there(workplace, before["package"])
    training = before if reused else trained.write(train(workplace, snapshot, origin, workplace.store.packages))
    write_curves(workplace.runs.event_logs(run_key), training["curves"])
    told = {name: training[name] for name in ("model", "package", "train_key", "manifest", "rows", "seconds", "stages")}
    workplace.runs.last_trained(model).write({name: told[name] for name in ("package", "train_key")})
    return kept.write({**told, "reused": reused, "run_key": run_key, "finished_at": utc_now()})


def _is_there(workplace: Workplace, package: str) -> bool:
    """Whether a package is there; if so it is claimed, and stays until the ledger names it."""
    try:
        claim(workplace.store.packages, package)
    except (MissingPackage, CorruptPackage):
        return False
    return True


def training_of(workplace: Workplace, *, package: str, run_key: str) -> dict[str, Any]:
    """What is known of the training that gave ``package``: this run's, or else any.

    Raises:
        NeverTrained: none did.
    """
    done = workplace.runs.result(run_key, "fit").read()
    if done is not None and done["package"] == package:
        key = done["train_key"]
    else:
        key = next((one["train_key"] for one in workplace.runs.all_trained() if one["package"] == package), None)
    training = workplace.runs.trained(key).read() if key else None
    if training is None:
        raise NeverTrained(f"no training recorded here gave package {package[:12]}: fit it first")
    return training


def train(workplace: Workplace, snapshot: Snapshot, origin: Origin, packages_root: Path) -> dict[str, Any]:
    """Train what ``origin`` says and nothing else says, and package it under ``packages_root``.

    Returns:
        What is recorded of a training, with ``package``.
    """
    watch = Stopwatch()
    with watch.stage("features"):
        features = workplace.features(snapshot, origin.encoders)
    taxonomy, config = Taxonomy.parse(origin.taxonomy), FusionConfig.read(origin.config)
    recipe = recipe_of(origin.model, config)
    data = TrainingData.of(snapshot.rows, features, taxonomy)
    with watch.stage("fit"):
        start = _start(workplace, origin)
        fitted = fit_model(
            recipe,
            data,
            config,
            lambda line: log.info("fit.progress", extra={"stage": line}),
            start,
            known_to_encoders=_has_tuned(workplace.store.packages, origin),
        )
    with watch.stage("package"):
        package = package_model(
            fitted,
            data,
            name=origin.model,
            packages_root=packages_root,
            provenance=Provenance(origin.manifest, origin.manifest_sha256, origin.encoders),
            taxonomy=taxonomy,
            golden=_golden(workplace, snapshot, data),
            extra_files=origin.to_files(),
        )
    log.info("fit.packaged", extra={"package": package.sha, "train_key": origin.train_key})
    return {
        "model": origin.model,
        "package": package.sha,
        "train_key": origin.train_key,
        "encoders": dict(origin.encoders),
        "config": config.of(recipe.experts),
        "taxonomy_version": taxonomy.version,
        "code_version": origin.code_version,
        "warm_start": origin.warm_start,
        **_facts(snapshot, features, fitted),
        **watch.report(),
    }


def _start(workplace: Workplace, origin: Origin) -> Start | None:
    if origin.warm_start is None:
        return None
    return open_start(open_package(workplace.store.packages, origin.warm_start), origin.encoders)


def _has_tuned(packages_root: Path, origin: Origin) -> bool:
    """Whether an encoder was fine-tuned on a store's products; those are the products that are learnt from here."""
    shas = [sha for feature, sha in origin.encoders.items() if feature not in WITHOUT_WEIGHTS]
    sources = (open_package(packages_root, sha, rehash=False).spec.get("source", {}) for sha in shas)
    return any(source.get("finetuned_from") for source in sources)


def _golden(workplace: Workplace, snapshot: Snapshot, data: TrainingData) -> dict[int, Product]:
    """Some training rows as they were sent; those whose photo was erased since (an old snapshot's) make room."""
    found: dict[int, Product] = {}
    for row in golden_rows(data, _GOLDEN_CANDIDATES):
        try:
            found[row] = as_product(snapshot.rows[row], workplace.store.images)
        except MissingImage:
            log.warning("fit.photo_missing", extra={"product_id": snapshot.rows[row].product_id})
        if len(found) == _GOLDEN:
            break
    return found


def _facts(snapshot: Snapshot, features: FeatureSet, fitted: FittedModel) -> dict[str, Any]:
    return {
        "manifest": snapshot.manifest.number,
        "manifest_sha256": snapshot.manifest.sha256,
        "rows": fitted.rows,
        "embedded_rows": features.embedded_rows,
        "curves": fitted.curves,
        "out_of_fold": {half.value: scores for half, scores in fitted.out_of_fold.items()},
        "expert_seconds": fitted.seconds,
        "suspects": as_dicts(_suspects(snapshot, fitted)),
    }


def _suspects(snapshot: Snapshot, fitted: FittedModel) -> list[Suspect]:
    unseen = fitted.unseen
    rows = [snapshot.rows[place] for place in unseen.places]
    return find_suspects(rows, unseen.labels, unseen.probabilities, fitted.model.present_codes)
