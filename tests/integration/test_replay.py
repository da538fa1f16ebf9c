"""The same training gives the same package: in another process, folder and number of threads, and long afterwards."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.db.models import Base
from core.db.repositories import promotions
from core.db.session import make_engine, make_sessions
from core.settings import DatabaseSettings, StoreSettings
from core.store.manifests import Tombstone, publish_batch
from core.store.segments import BASE_SEGMENT, segment_name
from tests.toys.bert import write_folder
from tests.toys.shop import QUICK_CONFIG, TAXONOMY, Shop

ROOT = Path(__file__).resolve().parents[2]


class Place:
    """A folder with a store of its own, in which jobs run as processes of their own."""

    def __init__(self, folder: Path, *, threads: int, config: str = QUICK_CONFIG) -> None:
        self.folder, self.store = folder, StoreSettings(root=folder / "var")
        self._threads = threads
        folder.mkdir()
        (folder / "config.toml").write_text(config)
        bert = write_folder(folder / "bert", {"max_position_embeddings": 80})
        self.database = DatabaseSettings(url=f"sqlite:///{folder}/etalon.db")
        engine = make_engine(self.database)
        Base.metadata.create_all(engine)
        engine.dispose()
        self.store.root.mkdir()
        (self.store.root / "taxonomy.csv").write_text(TAXONOMY.to_csv(), encoding="utf-8")
        self.shop = Shop(self.store)
        self._environment = {
            **os.environ,
            "DB_URL": f"sqlite:///{folder}/etalon.db",
            "STORE_ROOT": str(self.store.root),
            "TRAIN_CONFIG": str(folder / "config.toml"),
            "MODEL_TEXT_ENCODER": str(bert),
        }

    def job(self, *arguments: str) -> tuple[int, dict[str, Any], str]:
        """Exit status, result and standard error of ``python -m training.jobs``."""
        limits = {"SERVING_INFERENCE_THREADS": str(self._threads), "OMP_NUM_THREADS": str(self._threads)}
        limits |= {"TF_NUM_INTRAOP_THREADS": str(self._threads), "TF_NUM_INTEROP_THREADS": str(self._threads)}
        done = subprocess.run(
            [sys.executable, "-m", "training.jobs", *arguments],
            cwd=ROOT, env={**self._environment, **limits}, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        told = done.stdout.strip().splitlines()
        return done.returncode, json.loads(told[-1]) if told else {}, done.stderr

    def promote(self, package: str, manifest: int) -> None:
        """Write into the ledger what the gate would."""
        engine = make_engine(self.database)
        with make_sessions(engine).begin() as session:
            facts = {"actor": "test", "reason": "", "kind": "manual", "gate_report": None, "run_id": None}
            now = promotions.current(session)
            promotions.promote(
                session,
                expected_epoch=now.epoch if now else 0,
                models={"fusion": package},
                manifest=manifest,
                taxonomy_version=TAXONOMY.version,
                **facts,
            )
        engine.dispose()


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Place]:
    """Two stores with the same products, where many rows count as a large store; one trained on two manifests."""
    large = QUICK_CONFIG.replace("train_rows = 100000", "train_rows = 100")
    folder = tmp_path_factory.mktemp("replay")
    here, there = Place(folder / "here", threads=1, config=large), Place(folder / "there", threads=2, config=large)
    for place in (here, there):
        place.shop.add(BASE_SEGMENT, {"train": 60, "validation": 24, "holdout": 12})
    return here, there


@pytest.fixture(scope="module")
def first(places: tuple[Place, Place]) -> str:
    """The package of the first promotion, trained by folds."""
    here, _ = places
    status, fitted, errors = here.job("fit", "--run-key", "one")
    assert status == 0, errors
    here.promote(fitted["package"], 1)
    return fitted["package"]


@pytest.fixture(scope="module")
def second(places: tuple[Place, Place], first: str) -> str:
    """The package of the second, trained on a large store from the first one's weights."""
    here, _ = places
    here.shop.add(segment_name(1), {"train": 60})
    status, fitted, errors = here.job("fit", "--run-key", "two")
    assert status == 0, errors
    here.promote(fitted["package"], 2)
    return fitted["package"]


def test_another_process_in_another_folder_with_other_threads_makes_the_same_package(
    places: tuple[Place, Place], first: str
) -> None:
    status, fitted, errors = places[1].job("fit", "--run-key", "one")
    assert status == 0, errors
    assert fitted["package"] == first


def test_a_promotion_replays_after_its_rows_were_taken_back(
    places: tuple[Place, Place], first: str, second: str
) -> None:
    here, _ = places
    publish_batch(here.store.training, None, [Tombstone(BASE_SEGMENT, 0)], taxonomy_version=TAXONOMY.version)
    status, told, errors = here.job("replay", "--promotion", "1")
    assert (status, told["equal"], told["replayed"], told["differences"]) == (0, True, first, []), errors


def test_a_training_from_known_weights_replays_from_them(places: tuple[Place, Place], first: str, second: str) -> None:
    status, told, errors = places[0].job("replay", "--promotion", "2")
    assert (status, told["warm_start"], told["replayed"]) == (0, first, second), errors


def test_a_replay_that_cannot_be_says_what_is_missing(places: tuple[Place, Place], first: str, second: str) -> None:
    here, _ = places
    assert "no model fusion in promotion 9" in here.job("replay", "--promotion", "9")[2]
    away = here.store.packages / first
    shutil.move(away, here.folder / "away")
    try:
        status, _, errors = here.job("replay", "--promotion", "2")
    finally:
        shutil.move(here.folder / "away", away)
    assert status == 1
    assert first in errors
