"""The verbs up to a packaged model: ``encoders``, ``features``, ``fit``."""

import logging
from dataclasses import asdict
from typing import Any

from core.errors import Conflict
from core.store.snapshot import Snapshot
from training.config import FusionConfig
from training.features import FeatureSet
from training.fit import FittedModel, fit_fusion
from training.jobs.exam import as_product
from training.jobs.runs import code_version
from training.jobs.workplace import MODEL, Stopwatch, Workplace
from training.learning_rows import TrainingData
from training.package import Provenance, golden_rows, package_model

log = logging.getLogger(__name__)


class NeverTrained(Conflict):
    """No training recorded here gave this package."""

    code = "training.unknown_package"


def package_encoders(workplace: Workplace) -> dict[str, Any]:
    """Package the encoders that the settings name; returns their shas as ``text`` and ``image``."""
    watch = Stopwatch()
    with watch.stage("encoders"):
        encoders = workplace.encoders
    return {**encoders.shas, **watch.report()}


def embed(workplace: Workplace, *, manifest: int | None) -> dict[str, Any]:
    """Fill the feature cache for a snapshot; returns how many rows were not in it."""
    watch = Stopwatch()
    with watch.stage("encoders"):
        encoders = workplace.encoders
    with watch.stage("features"):
        snapshot = workplace.snapshot(manifest)
        features = workplace.features(snapshot, encoders.shas, rows=[])
    counted = {"manifest": snapshot.manifest.number, "rows": len(snapshot.rows)}
    return {**counted, "embedded_rows": features.embedded_rows, **watch.report()}


def fit(workplace: Workplace, *, manifest: int | None, run_key: str) -> dict[str, Any]:
    """Train on a snapshot and package the model, unless this very training has been done before.

    Returns:
        ``package``, ``train_key``, ``manifest``, ``rows`` by split, ``reused``, and seconds.

    Raises:
        TooFewRows: fewer than two classes have training rows.
    """
    kept = workplace.runs.result(run_key, "fit")
    if (done := kept.read()) and manifest in (None, done["manifest"]):
        return done
    snapshot = workplace.snapshot(manifest)
    key = workplace.train_key(snapshot)
    before = workplace.runs.trained(key).read()
    reused = before is not None and (workplace.store.packages / before["package"]).is_dir()
    training = before if reused else workplace.runs.trained(key).write(_train(workplace, snapshot, key))
    told = {name: training[name] for name in ("package", "train_key", "manifest", "rows", "seconds", "stages")}
    return kept.write({**told, "reused": reused})


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


def _train(workplace: Workplace, snapshot: Snapshot, key: str) -> dict[str, Any]:
    watch = Stopwatch()
    with watch.stage("features"):
        encoders = workplace.encoders
        features = workplace.features(snapshot, encoders.shas)
    data = TrainingData.of(snapshot.rows, features, workplace.taxonomy)
    config = FusionConfig.load(workplace.train.config)
    with watch.stage("fit"):
        fitted = fit_fusion(data, config, lambda line: log.info("fit.progress", extra={"stage": line}))
    with watch.stage("package"):
        provenance = Provenance(
            snapshot.manifest.number, snapshot.manifest.sha256, encoders.text.sha, encoders.image.sha
        )
        package = package_model(
            fitted,
            data,
            name=MODEL,
            packages_root=workplace.store.packages,
            provenance=provenance,
            taxonomy=workplace.taxonomy,
            golden={row: as_product(snapshot.rows[row], workplace.store.images) for row in golden_rows(data)},
        )
    log.info("fit.packaged", extra={"package": package.sha, "train_key": key})
    known = {"package": package.sha, "train_key": key, "encoders": encoders.shas, "config": asdict(config)}
    known |= {"taxonomy_version": workplace.taxonomy.version, "code_version": code_version()}
    return {**known, **_facts(snapshot, features, fitted), **watch.report()}


def _facts(snapshot: Snapshot, features: FeatureSet, fitted: FittedModel) -> dict[str, Any]:
    return {
        "manifest": snapshot.manifest.number,
        "manifest_sha256": snapshot.manifest.sha256,
        "rows": fitted.rows,
        "embedded_rows": features.embedded_rows,
        "curves": fitted.curves,
        "out_of_fold": {half.value: scores for half, scores in fitted.out_of_fold.items()},
        "expert_seconds": fitted.seconds,
    }
