"""The pool of trained models: embeds the products once, trains each world's models, and keeps what they answered."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from bench.gate_study.products import open_products
from bench.gate_study.trials import Setting
from bench.gate_study.worlds import RECIPE, Catalogue, Labelled, World, lighten, load, model_names, save, train
from core.domain.gate import GatePolicy
from core.settings import ModelSettings
from inference.encoders import EncoderPool
from inference.family import WITHOUT_WEIGHTS, Encoder, open_encoder
from training.config import FusionConfig
from training.encoders import BUILDERS
from training.experts import fit_logistic
from training.family import TRAINERS, Trainer
from training.features import features_of
from training.robustness import HALVES, disturb, sample, some_rows, without_a_half

DISTURBED = 300
"""Products of the catalogue whose photos and titles are disturbed; those of them that are in an exam count."""

_LABELLED = "labelled.npz"
_CONFIG = Path(__file__).resolve().parents[2] / "training" / "config.toml"


def open_catalogue(data: Path, folder: Path) -> Catalogue:
    """Import, embed and disturb the products, or read what an earlier run left in ``folder``."""
    products = open_products(data, folder)
    rows, cache = products.snapshot.rows, products.store.features
    encoders = _encoders(products.store.packages)
    features = features_of(products.snapshot, encoders=encoders, cache_root=cache)
    picked = sample(rows, DISTURBED)
    disturbed = disturb(
        [rows[place] for place in picked],
        some_rows(features, picked),
        encoders=encoders,
        images=products.store.images,
        cache_root=cache,
    )
    return Catalogue(
        features=features,
        disturbed=disturbed | {half: without_a_half(features, half) for half in HALVES},
        sample=picked,
        truth=np.array([row.prdtypecode for row in rows], dtype=np.int64),
        clusters=np.array([row.cluster for row in rows]),
        taxonomy_codes=products.taxonomy.codes,
    )


def _encoders(packages: Path) -> dict[str, Encoder]:
    pool = EncoderPool(packages)
    shas = {
        name: WITHOUT_WEIGHTS[name].sha if name in WITHOUT_WEIGHTS else BUILDERS[name](ModelSettings(), packages).sha
        for name in RECIPE.features
    }
    return {name: open_encoder(name, sha, pool) for name, sha in shas.items()}


def train_missing(data: Path, folder: Path, *, worlds: int, processes: int) -> Iterator[str]:
    """Train what is not in the pool yet; tells each model that is done. A stopped run goes on where it was."""
    catalogue = open_catalogue(data, folder)  # embeds once, before anybody trains
    np.savez(folder / _LABELLED, truth=catalogue.truth, clusters=catalogue.clusters, sample=catalogue.sample)
    missing = [
        (world, model)
        for world in range(worlds)
        for model in model_names()
        if not _path(folder, world, model).is_file()
    ]
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    with ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=_start, initargs=(data, folder)
    ) as pool:
        asked = {pool.submit(_train, folder, world, model): f"world {world}, {model}" for world, model in missing}
        for done, one in enumerate(as_completed(asked), start=1):
            yield f"{done} of {len(missing)}: {asked[one]} in {one.result():.0f} s"


def settings(folder: Path, *, worlds: int, policy: GatePolicy) -> list[Setting]:
    """Every world whose models have all been trained."""
    with np.load(folder / _LABELLED, allow_pickle=False) as kept:
        labelled = Labelled(kept["truth"], kept["clusters"], kept["sample"])
    found = []
    for number in range(worlds):
        paths = {model: _path(folder, number, model) for model in model_names()}
        if all(path.is_file() for path in paths.values()):
            world = World.deal(number, labelled.clusters)
            found.append(Setting(world, labelled, {model: load(path) for model, path in paths.items()}, policy))
    return found


def _path(folder: Path, world: int, model: str) -> Path:
    return folder / "pool" / f"{world:02d}-{model}.npz"


_opened: dict[str, object] = {}  # of a worker process


def _start(data: Path, folder: Path) -> None:
    _opened["catalogue"] = open_catalogue(data, folder)
    _opened["config"] = lighten(FusionConfig.load(_CONFIG))
    TRAINERS["bert"] = Trainer(fit_logistic)  # as linear as Keras's head, and solved without TensorFlow
    (folder / "pool").mkdir(exist_ok=True)


def _train(folder: Path, number: int, model: str) -> float:
    started = time.monotonic()
    catalogue: Catalogue = _opened["catalogue"]
    world = World.deal(number, catalogue.clusters)
    save(_path(folder, number, model), train(world, model, catalogue, _opened["config"]))
    return time.monotonic() - started
