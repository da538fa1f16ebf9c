"""A store that is months old, tidied: what goes, what stays, and that everything still works afterwards.

Real packages, a real ledger, a real training and a real tracking store; everything in it is made to look old. It is
tidied once; each test looks at one side of it. Tests that change something come last.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient
from sqlalchemy import update

from core.db.migrate import migrate
from core.db.models import Promotion
from core.db.repositories import judgements, promotions
from core.db.repositories.judgements import Judgement
from core.db.session import make_engine
from core.registry.packages import DroppedPackage, write_package
from core.retention import inventory
from core.retention.removal import AlreadyRunning, only_one
from core.settings import (
    DatabaseSettings,
    GateSettings,
    LoopSettings,
    ModelSettings,
    ServingSettings,
    StoreSettings,
    TrainSettings,
)
from core.store.segments import BASE_SEGMENT, segment_name
from inference.appearance import APPEARANCE_SHA
from inference.model import ServedModel
from preprocessing.ingest.check import check_loop
from tests.integration.api.packaged import write_tiny_expert, write_tiny_model
from tests.toys.photos import encode, picture
from tests.toys.shop import QUICK_CONFIG, TAXONOMY, Shop
from training.jobs import learn, release, replay
from training.jobs.retention import retain
from training.jobs.workplace import Workplace
from training.tracking import Tracking, TrainingRecord

ROOT = Path(__file__).resolve().parents[2]
_LONG_AGO_S = 90 * 86400.0
_TRAINED = "fusion-weighted"


@dataclass
class OldStore:
    """The store, and the shas in it by what they are.

    Attributes:
        planned: what a dry run said.
        told: what tidying said.
    """

    workplace: Workplace
    client: MlflowClient
    shas: dict[str, str] = field(default_factory=dict)
    planned: dict[str, Any] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)
    before: list[Path] = field(default_factory=list)

    @property
    def store(self) -> StoreSettings:
        """Where it lies."""
        return self.workplace.store

    def serve(self, **models: str) -> None:
        """One more epoch, 90 days ago."""
        with self.workplace.sessions.begin() as session:
            now = promotions.current(session)
            row = promotions.promote(
                session,
                expected_epoch=now.epoch if now else 0,
                models={name.replace("_", "-"): sha for name, sha in models.items()},
                actor="test", reason="", kind="manual", gate_report=None, run_id=None, manifest=1,
                taxonomy_version=TAXONOMY.version,
            )  # fmt: skip
            then = row.created_at - timedelta(seconds=_LONG_AGO_S)
            session.execute(update(Promotion).where(Promotion.epoch == row.epoch).values(created_at=then))

    def judge(self, package: str, decision: str, champion: str) -> None:
        """Put a finding on record."""
        said = Judgement(1, decision, 5, champion, None, 0.5, 0.5, {})
        with self.workplace.sessions.begin() as session:
            judgements.record(session, package=package, judgement=said, gated=True)

    def register(self, package: str) -> None:
        """Give the tracking server a copy of it."""
        folder = self.store.packages / package
        Tracking.connect(self.workplace.train).record(TrainingRecord(f"key of {package}", "fusion", folder))

    def registered(self) -> set[str]:
        """The packages that the tracking server has copies of."""
        return {one.tags["package"] for one in self.client.search_model_versions("name = 'fusion'")}

    def make_old(self) -> None:
        """Date every file 90 days back."""
        for path in self.store.root.rglob("*"):
            then = path.stat().st_mtime - _LONG_AGO_S
            os.utime(path, (then, then))
        with closing(sqlite3.connect(self.workplace.train.tracking_uri.removeprefix("sqlite:///"))) as tracked:
            tracked.execute("UPDATE model_versions SET creation_time = 1")
            tracked.commit()

    def files(self) -> list[Path]:
        """Every file there is, but for what marks that somebody looked."""
        return sorted(path for path in self.store.root.rglob("*") if path.is_file())

    def violations(self) -> list[str]:
        """What the full check finds."""
        with self.workplace.sessions() as session:
            checked = check_loop(session.get_bind(), self.store, LoopSettings(), full=True)
        return [str(one) for one in checked.violations]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    folder = tmp_path_factory.mktemp("old")
    (folder / "config.toml").write_text(QUICK_CONFIG)
    database = DatabaseSettings(url=f"sqlite:///{folder}/etalon.db")
    engine = make_engine(database)
    migrate(engine)
    engine.dispose()
    store = StoreSettings(root=folder / "var")
    store.root.mkdir()
    (store.root / "taxonomy.csv").write_text(TAXONOMY.to_csv(), encoding="utf-8")
    train = TrainSettings(config=folder / "config.toml", tracking_uri=f"sqlite:///{folder}/mlflow.db")
    MlflowClient(train.tracking_uri).create_experiment(train.experiment, artifact_location=str(folder / "artifacts"))
    workplace = Workplace(
        store=store,
        model=ModelSettings(),
        train=train,
        gate=GateSettings(policy=ROOT / "mlflow" / "gate.toml"),
        database=database,
        serving=ServingSettings(),
    )
    yield workplace
    workplace.close()


@pytest.fixture(scope="module")
def old(workplace: Workplace, tmp_path_factory: pytest.TempPathFactory) -> OldStore:
    """The story up to the morning after."""
    old = OldStore(workplace, MlflowClient(workplace.train.tracking_uri))
    shop = Shop(workplace.store)
    shop.add(BASE_SEGMENT, {"train": 30, "validation": 9, "holdout": 9})
    packages, logs = workplace.store.packages, tmp_path_factory.mktemp("logs")
    a_photo = encode(picture(), "PNG")
    for number in range(1, 5):
        old.shas[f"fusion {number}"] = write_tiny_model(packages, a_photo, temperature=number / 10)
    old.shas["refused"] = write_tiny_model(packages, a_photo, temperature=0.7)
    old.shas["waiting"] = write_tiny_model(packages, a_photo, temperature=0.8)
    for name in ("text", "unused"):
        arrays = {"w": np.zeros(2)}
        old.shas[name] = write_package(packages, kind="text-encoder", spec={"name": name}, arrays=arrays).sha
    spec = {"encoders": {"text": old.shas["text"], "appearance": APPEARANCE_SHA}}
    old.shas["fusion 0"] = write_package(packages, kind="model", spec=spec, arrays={"w": np.ones(2)}).sha
    old.shas["lexical"] = write_tiny_expert(packages, a_photo, "lexical")
    old.shas["trained"] = learn.fit(workplace, manifest=None, run_key="long ago", model=_TRAINED)["package"]
    for number in range(5):
        old.serve(fusion=old.shas[f"fusion {number}"], lexical=old.shas["lexical"])
    old.judge(old.shas["refused"], "refuse", old.shas["fusion 4"])
    old.judge(old.shas["waiting"], "grey", old.shas["fusion 4"])
    for name in ("fusion 1", "fusion 4"):
        old.register(old.shas[name])
    _litter(workplace.store, logs, old.shas)
    old.make_old()
    (workplace.store.packages / ".killed.1.dropped").mkdir()
    for path in logs.rglob("old.log"):
        os.utime(path, (1.0, 1.0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORE_KEEP_EPOCHS", "3")
        patch.setenv("STORE_KEEP_BUDGETS_GIB", "training=0.000001,packages=1")
        files = old.files()
        old.planned = retain(workplace, dry_run=True, airflow_logs=logs)
        assert old.files() == files
        old.told = retain(workplace, dry_run=False, airflow_logs=logs)
        old.told["again"] = retain(workplace, dry_run=False, airflow_logs=logs)
    return old


def _litter(store: StoreSettings, logs: Path, shas: dict[str, str]) -> None:
    """Caches, checkpoints, curves and logs, some of which nothing needs."""
    for path in (
        store.features / shas["text"] / "000000-base.aaaaaaaaaaaa.npy",
        store.features / APPEARANCE_SHA / "000000-base.aaaaaaaaaaaa.npy",
        store.root / "finetuned" / ("f" * 64) / "model.safetensors",
        store.runs / "finetune" / "key" / "checkpoint.safetensors",
        store.runs / "tensorboard" / "run" / "events.out.tfevents.1",
        store.runs / "looks" / "holdout" / "a-b.json",
        store.training / ".training.csv.1.aside",
        logs / "dag_id=retrain" / "run_id=1" / "task_id=fit" / "old.log",
        logs / "dag_id=retrain" / "run_id=2" / "task_id=fit" / "new.log",
        logs / "somebody else's" / "old.log",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 100)


def test_packages_of_old_epochs_and_refused_ones_go_with_their_encoders(old: OldStore) -> None:
    left = {one.sha for one in inventory.packages(old.store.packages)}
    gone = {name for name, sha in old.shas.items() if sha not in left}
    assert gone == {"fusion 0", "fusion 1", "refused", "text", "unused"}


def test_a_challenger_that_may_be_promoted_a_companion_and_the_last_training_stay(old: OldStore) -> None:
    left = {one.sha for one in inventory.packages(old.store.packages)}
    assert {old.shas[name] for name in ("waiting", "lexical", "trained")} <= left


def test_a_dry_run_says_the_same_and_removes_nothing(old: OldStore) -> None:
    assert old.planned["goes"] == old.told["goes"]
    assert (old.planned["freed"], old.planned["removed"]) == (old.told["freed"], old.told["removed"])
    assert old.told["freed_bytes"] == sum(old.told["freed"].values()) > 0
    assert old.told["removed"] == {
        "models": 3,
        "encoders": 2,
        "features": 2,
        "finetuned": 1,
        "checkpoints": 1,
        "tensorboard": 1,
        "airflow_logs": 1,
        "leftovers": 2,
        "mlflow": 1,
    }


def test_a_second_run_finds_nothing(old: OldStore) -> None:
    assert (old.told["again"]["removed"], old.told["again"]["freed_bytes"]) == ({}, 0)


def test_looks_judgements_segments_and_other_people_s_files_stay(old: OldStore) -> None:
    assert (old.store.runs / "looks" / "holdout" / "a-b.json").exists()
    assert list(old.store.runs.glob("*/fit.json"))
    assert list((old.store.training / "segments").iterdir())


def test_what_holds_more_than_its_budget_is_told(old: OldStore) -> None:
    assert set(old.told["over_budget"]) == {"training"}
    assert old.told["over_budget"]["training"]["budget"] == 1073


def test_the_registry_loses_the_copy_of_what_was_dropped_and_keeps_its_run(old: OldStore) -> None:
    assert old.registered() == {old.shas["fusion 4"]}
    runs = old.client.search_runs([one.experiment_id for one in old.client.search_experiments()])
    assert {run.data.tags["package"] for run in runs} == {old.shas["fusion 1"], old.shas["fusion 4"]}


def test_the_full_check_finds_nothing_wrong(old: OldStore) -> None:
    assert old.violations() == []


def test_a_replay_of_an_epoch_that_was_dropped_says_so(old: OldStore) -> None:
    with pytest.raises(DroppedPackage, match="older than 30 days, and no kept epoch"):
        replay.replay(old.workplace, promotion=2)


def test_only_one_tidies_at_a_time(old: OldStore) -> None:
    with only_one(old.store.root), pytest.raises(AlreadyRunning):
        retain(old.workplace, dry_run=True)


def test_every_kept_epoch_can_be_served_again(old: OldStore) -> None:
    for _ in range(2):
        served = release.roll_back(old.workplace, reason="a test", actor="test", expected_epoch=None)["models"]
        for name, sha in served.items():
            assert ServedModel.load(old.store.packages, sha, encoders=old.workplace.pool).name == name
    with old.workplace.sessions() as session:
        kept = {sha for epoch in (3, 4, 5) for sha in promotions.at_epoch(session, epoch).models.values()}
    for sha in kept:
        ServedModel.load(old.store.packages, sha, encoders=old.workplace.pool)
    assert old.violations() == []


def test_a_training_that_asks_for_an_old_package_keeps_it(old: OldStore) -> None:
    (old.store.runs / "last" / f"{_TRAINED}.json").unlink()
    again = learn.fit(old.workplace, manifest=None, run_key="today", model=_TRAINED)
    assert (again["package"], again["reused"]) == (old.shas["trained"], True)
    (old.store.runs / "last" / f"{_TRAINED}.json").unlink()
    retain(old.workplace, dry_run=False)
    assert ServedModel.load(old.store.packages, again["package"], encoders=old.workplace.pool).name == _TRAINED


def test_a_new_training_works_and_makes_the_features_that_it_needs(old: OldStore) -> None:
    Shop(old.store).add(segment_name(1), {"train": 12})
    trained = learn.fit(old.workplace, manifest=None, run_key="new", model=_TRAINED)
    assert trained["package"] != old.shas["trained"]
    assert len(list((old.store.features / APPEARANCE_SHA).glob("*.npy"))) == 2
