"""A full training on a toy store, job by job: encoder, model over it, promotion, replay, and the retraining after it.

The story is lived once, but for one encoder, which a process of its own trains again in another folder.
"""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from core.db.models import Base
from core.db.repositories import promotions
from core.db.session import make_engine
from core.registry.packages import Package, open_package
from core.settings import DatabaseSettings, GateSettings, ModelSettings, ServingSettings, StoreSettings, TrainSettings
from core.store.segments import BASE_SEGMENT, segment_name
from tests.conftest import ROOT
from tests.toys.bert import write_folder
from tests.toys.shop import QUICK_CONFIG, TAXONOMY, Shop
from training.jobs import journal, learn, pinning, replay
from training.jobs.finetuning import curves_of_run, finetune, finetune_among
from training.jobs.runs import slug
from training.jobs.workplace import Workplace

SPLITS = {"train": 60, "validation": 24, "holdout": 12}
STEPS = 5  # of 8: one epoch and a bit, past one checkpoint


def make_store(folder: Path) -> dict[str, str]:
    """A store with the same products wherever it is made; returns the settings of its jobs."""
    folder.mkdir()
    (folder / "config.toml").write_text(QUICK_CONFIG)
    bert = write_folder(folder / "bert", {"max_position_embeddings": 80})
    url = f"sqlite:///{folder}/etalon.db"
    engine = make_engine(DatabaseSettings(url=url))
    Base.metadata.create_all(engine)
    engine.dispose()
    store = StoreSettings(root=folder / "var")
    store.root.mkdir()
    (store.root / "taxonomy.csv").write_text(TAXONOMY.to_csv(), encoding="utf-8")
    Shop(store).add(BASE_SEGMENT, SPLITS)
    place = {"DB_URL": url, "STORE_ROOT": str(store.root)}
    return {**place, "TRAIN_CONFIG": str(folder / "config.toml"), "MODEL_TEXT_ENCODER": str(bert)}


def open_workplace(place: dict[str, str]) -> Workplace:
    return Workplace(
        store=StoreSettings(root=Path(place["STORE_ROOT"])),
        model=ModelSettings(text_encoder=place["MODEL_TEXT_ENCODER"]),
        train=TrainSettings(config=Path(place["TRAIN_CONFIG"])),
        gate=GateSettings(),
        database=DatabaseSettings(url=place["DB_URL"]),
        serving=ServingSettings(),
    )


@dataclass
class Story:
    """What each moment returned."""

    workplace: Workplace
    told: dict[str, dict[str, Any]] = field(default_factory=dict)

    def package(self, moment: str, name: str = "package") -> Package:
        return open_package(self.workplace.store.packages, self.told[moment][name])

    def release(self, package: str, manifest: int) -> None:
        """Write into the ledger what the gate would."""
        facts = {"actor": "test", "reason": "", "kind": "manual", "gate_report": None, "run_id": None}
        with self.workplace.sessions.begin() as session:
            promotions.promote(
                session,
                expected_epoch=0,
                models={"fusion": package},
                manifest=manifest,
                taxonomy_version=TAXONOMY.version,
                **facts,
            )


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    place = make_store(tmp_path_factory.mktemp("full") / "here")
    shop = Shop(StoreSettings(root=Path(place["STORE_ROOT"])))
    workplace = open_workplace(place)
    story = Story(workplace)
    story.told["snapshot"] = pinning.pin(workplace, run_key="sunday")
    shop.add(segment_name(1), {"train": 6})
    story.told["snapshot again"] = pinning.pin(workplace, run_key="sunday")
    order: dict[str, Any] = {"half": "text", "halves": "", "manifest": story.told["snapshot"]["manifest"]}
    story.told["limited"] = finetune_among(workplace, max_steps=STEPS, run_key="limited", **order)
    story.told["tuned"] = finetune_among(workplace, max_steps=None, run_key="sunday", **order)
    story.told["tuned again"] = finetune_among(workplace, max_steps=None, run_key="sunday", **order)
    story.told["limited afterwards"] = finetune_among(workplace, max_steps=STEPS, run_key="limited later", **order)
    story.told["resumed afterwards"] = finetune(workplace, half="text", manifest=1)
    workplace.use_encoders({"text": story.told["tuned"]["encoder"]})
    story.told["fit"] = learn.fit(workplace, manifest=1, run_key="sunday")
    story.release(story.told["fit"]["package"], 1)
    workplace.close()
    story.workplace = open_workplace(place)  # as the next run's process
    story.told["replay"] = replay.replay(story.workplace, promotion=1)
    story.told["retrain"] = learn.fit(story.workplace, manifest=None, run_key="monday")
    yield story
    story.workplace.close()


def test_a_run_keeps_the_snapshot_that_it_began_with(story: Story) -> None:
    assert story.told["snapshot"]["manifest"] == 1
    assert story.told["snapshot again"] == story.told["snapshot"]
    assert story.told["fit"]["manifest"] == story.told["tuned"]["manifest"] == 1


def test_an_empty_store_has_no_snapshot(tmp_path: Path) -> None:
    settings = {"STORE_ROOT": str(tmp_path), "DB_URL": "sqlite://", "TRAIN_CONFIG": "x", "MODEL_TEXT_ENCODER": "minilm"}
    assert pinning.pin(open_workplace(settings), run_key="sunday")["manifest"] is None


def test_a_limited_tuning_gives_a_package_and_the_whole_one_goes_on_from_it(story: Story) -> None:
    assert (story.told["limited"]["steps"], story.told["limited"]["planned"]) == (STEPS, 8)
    assert story.told["tuned"]["steps"] == 8
    assert story.package("limited", "encoder").sha != story.package("tuned", "encoder").sha
    spec = story.package("limited", "encoder").spec
    assert spec["source"]["finetuned_from"] == story.told["limited"]["from"]


def test_the_same_order_gives_the_same_encoder_whatever_was_trained_since(story: Story) -> None:
    assert story.told["limited afterwards"]["encoder"] == story.told["limited"]["encoder"]
    assert story.told["resumed afterwards"]["encoder"] == story.told["tuned"]["encoder"]
    assert story.told["tuned again"] == story.told["tuned"]


def test_another_process_in_another_folder_with_other_threads_tunes_the_same_encoder(
    story: Story, tmp_path: Path
) -> None:
    place = make_store(tmp_path / "there")
    threads = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), "1")
    command = [sys.executable, "-m", "training.jobs", "finetune", "--half", "text", "--max-steps", str(STEPS)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **place, **threads}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["encoder"] == story.told["limited"]["encoder"]


def test_what_is_not_wanted_or_has_nothing_to_learn_from_is_left_alone(story: Story) -> None:
    order: dict[str, Any] = {"half": "image", "max_steps": 1, "manifest": 1, "run_key": "other"}
    told = finetune_among(story.workplace, halves="text", **order)
    assert told == {"encoder": None, "reason": "image is not among text"}


def test_a_promotion_with_a_tuned_encoder_replays_over_that_encoder(story: Story) -> None:
    assert story.package("fit").spec["encoders"]["text"] == story.told["tuned"]["encoder"]
    assert (story.told["replay"]["equal"], story.told["replay"]["differences"]) == (True, [])


def test_the_next_retraining_keeps_the_tuned_encoder(story: Story) -> None:
    assert story.told["retrain"]["manifest"] == 2
    assert story.package("retrain").spec["encoders"]["text"] == story.told["tuned"]["encoder"]


def test_the_event_files_hold_the_curves_that_the_jobs_report(story: Story) -> None:
    folder = story.workplace.store.runs / "tensorboard" / slug("sunday")
    tuned = EventAccumulator(str(folder / "finetune-text")).Reload()
    for name, values in story.told["tuned"]["curves"].items():
        assert [it.value for it in tuned.Scalars(f"epoch/{name}")] == pytest.approx(values)
    assert [it.step for it in tuned.Scalars("learning_rate")] == [6, 7, 8]  # the limited run's log has the others
    limited = EventAccumulator(str(folder.with_name(slug("limited")) / "finetune-text")).Reload()
    assert [it.step for it in limited.Scalars("loss")] == [1, 2, 3, 4, 5]
    trained = story.workplace.runs.trained(story.told["fit"]["train_key"]).read()
    heads = EventAccumulator(str(folder / "bert")).Reload()
    curves = {name: values for name, values in trained["curves"].items() if name.startswith("bert.")}
    assert {"bert.loss", "bert.val_loss", "bert.accuracy", "bert.val_accuracy", "bert.learning_rate"} == set(curves)
    for name, values in curves.items():
        assert [it.value for it in heads.Scalars(name.removeprefix("bert."))] == pytest.approx(values)


def test_the_tracking_server_is_told_of_the_encoders_that_the_run_tuned(story: Story) -> None:
    curves = curves_of_run(story.workplace, "sunday")
    assert curves == {f"finetune-text.{name}": it for name, it in story.told["tuned"]["curves"].items()}
    assert curves_of_run(story.workplace, "monday") == {}


def test_curves_are_no_part_of_a_package_or_of_what_names_a_training(story: Story) -> None:
    for moment, name in (("fit", "package"), ("tuned", "encoder")):
        files = {path.name for path in story.package(moment, name).path.rglob("*")}
        assert not any(file.startswith("events.") for file in files)


def test_the_journal_lists_every_training_with_its_parameters_and_its_epoch(story: Story, tmp_path: Path) -> None:
    told = journal.tell(story.workplace, out=tmp_path / "journal.csv")
    text = (tmp_path / "journal.csv").read_text(encoding="utf-8")
    assert journal.tell(story.workplace, out=None)["table"] == text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert told["trainings"] == len(rows)
    trained = {row["package"]: row for row in rows}
    assert {row["model"] for row in rows} == {"fusion", "encoder of text"}
    fitted = trained[story.told["fit"]["package"]]
    assert (fitted["run_key"], fitted["epoch"], fitted["manifest"]) == ("sunday", "1", "1")
    assert json.loads(fitted["encoders"])["text"] == story.told["tuned"]["encoder"]
    assert json.loads(fitted["parameters"])["bert"]["learning_rate"] == 0.01
    assert trained[story.told["retrain"]["package"]]["epoch"] == ""
    tuned = trained[story.told["tuned"]["encoder"]]
    assert json.loads(tuned["parameters"])["steps"] == 8
    assert float(tuned["weighted_f1"]) == story.told["tuned"]["validation_weighted_f1"]
