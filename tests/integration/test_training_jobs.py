"""A loop's life on a toy store: a first champion, the same snapshot again, good labels, bad labels, a rollback.

Real encoders' code on a tiny BERT and a random ResNet50, a real ledger, a real tracking store. The story is lived
once; each test looks at one moment of it.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient

from core.db.models import Base
from core.db.repositories import audit, evaluations, judgements, promotions, retrain_requests, users
from core.db.session import make_engine
from core.settings import (
    DatabaseSettings,
    GateSettings,
    ModelSettings,
    ServingSettings,
    StoreSettings,
    TrainSettings,
)
from core.store.segments import BASE_SEGMENT, segment_name
from core.store.snapshot import Snapshot
from preprocessing.ingest.append import is_unjudged, take_request
from tests.toys.bert import write_folder
from tests.toys.shop import QUICK_CONFIG, TAXONOMY, Shop
from training.jobs import chains, companions, judgement, learn, release
from training.jobs.exam import Exam, NothingToJudgeOn
from training.jobs.learn import NeverTrained
from training.jobs.release import NotJudged
from training.jobs.workplace import Workplace
from training.tracking import TrackingUnavailable

ROOT = Path(__file__).resolve().parents[2]
FILES = {"gate.json", "classes.json", "model_card.md", "report.html", "suspects.csv"}


@dataclass
class Story:
    """What each moment returned."""

    workplace: Workplace
    client: MlflowClient
    told: dict[str, dict[str, Any]] = field(default_factory=dict)

    def runs(self) -> int:
        """How many runs the tracking store has."""
        return len(self.client.search_runs([one.experiment_id for one in self.client.search_experiments()]))

    def aliases(self) -> dict[str, str]:
        """Package by alias."""
        aliases = self.client.get_registered_model("fusion").aliases
        return {alias: self.client.get_model_version("fusion", it).tags["package"] for alias, it in aliases.items()}

    def epoch(self) -> int:
        """The ledger's newest epoch."""
        with self.workplace.sessions() as session:
            row = promotions.current(session)
            return row.epoch if row else 0

    def retrain(self, name: str) -> None:
        """One run of the DAG after its append: features, fit, judge, promote."""
        workplace = self.workplace
        embedded = learn.embed(workplace, manifest=None)
        fitted = learn.fit(workplace, manifest=embedded["manifest"], run_key=name)
        judged = judgement.judge(workplace, package=fitted["package"], manifest=embedded["manifest"], run_key=name)
        promoted = release.promote(workplace, package=fitted["package"], run_key=name)
        self.told |= {f"{name}.features": embedded, f"{name}.fit": fitted, f"{name}.judge": judged}
        self.told |= {f"{name}.promote": promoted, f"{name}.aliases": self.aliases()}
        self.told[f"{name}.after"] = {"epoch": self.epoch(), "runs": self.runs()}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    folder = tmp_path_factory.mktemp("loop")
    (folder / "config.toml").write_text(QUICK_CONFIG)
    bert = write_folder(folder / "bert", {"max_position_embeddings": 80})
    database = DatabaseSettings(url=f"sqlite:///{folder}/etalon.db")
    engine = make_engine(database)
    Base.metadata.create_all(engine)
    engine.dispose()
    store = StoreSettings(root=folder / "var")
    store.root.mkdir()
    (store.root / "taxonomy.csv").write_text(TAXONOMY.to_csv(), encoding="utf-8")
    train = TrainSettings(config=folder / "config.toml", tracking_uri=f"sqlite:///{folder}/mlflow.db")
    # A tracking store without a server would put artefacts where the process happens to stand.
    MlflowClient(train.tracking_uri).create_experiment(train.experiment, artifact_location=str(folder / "artifacts"))
    workplace = Workplace(
        store=store,
        model=ModelSettings(text_encoder=str(bert)),
        train=train,
        gate=GateSettings(policy=ROOT / "mlflow" / "gate.toml"),
        database=database,
        serving=ServingSettings(),
    )
    yield workplace
    workplace.close()


@pytest.fixture(scope="module")
def story(workplace: Workplace) -> Story:
    story = Story(workplace, MlflowClient(workplace.train.tracking_uri))
    shop = Shop(workplace.store)
    shop.add(BASE_SEGMENT, {"train": 24, "validation": 6, "holdout": 60}, mislabelled=0.5)
    story.told["first"] = chains.first(workplace, manifest=None, run_key="first")
    story.told["first.after"] = {"epoch": story.epoch(), "runs": story.runs()}
    story.told["first again"] = chains.first(workplace, manifest=None, run_key="first again")
    story.told["wish"] = {"unanswered": [wish_for(workplace, "same snapshot")]}
    story.retrain("same snapshot")
    story.told["wish"]["unanswered"].append(is_unjudged(workplace.sessions))
    shop.add(segment_name(1), {"train": 60, "fresh": 6})
    story.retrain("good labels")
    shop.add(segment_name(2), {"train": 90}, mislabelled=1.0)
    story.retrain("bad labels")
    story.told["rollback"] = release.roll_back(workplace, reason="complaints", actor="admin", expected_epoch=2)
    story.told["rollback.aliases"] = story.aliases()
    models = ("lexical", "fusion-weighted", "unheard-of")
    story.told["several"] = chains.train_several(workplace, models, manifest=2, run_key="several")
    story.told["several.after"] = {"epoch": story.epoch(), "aliases": story.aliases()}
    story.told["companion"] = companions.release_companion(workplace, model="lexical")
    return story


def wish_for(workplace: Workplace, run_key: str) -> bool:
    """Somebody asks for a retraining, and this run takes it; whether a judgement is owed now."""
    with workplace.sessions.begin() as session:
        retrain_requests.ask(session, account_id=users.operator(session).id, reason="a new season")
    assert take_request(workplace.sessions, run_key)
    return is_unjudged(workplace.sessions)


def test_a_wish_without_new_labels_ends_with_a_judgement(story: Story) -> None:
    assert story.told["wish"]["unanswered"] == [True, False]


def test_the_first_model_is_epoch_one_whatever_its_scores(story: Story) -> None:
    first = story.told["first"]
    assert (first["decision"], first["epoch"], first["mirrored"], first["already_there"]) == ("first", 1, True, False)
    assert 0 < first["weighted_f1"] < 0.9
    assert first["rows"] == 60


def test_asking_for_a_first_model_again_changes_nothing(story: Story) -> None:
    again = story.told["first again"]
    assert (again["epoch"], again["package"], again["already_there"]) == (1, story.told["first"]["package"], True)


def test_the_same_snapshot_again_trains_nothing_and_adds_nothing(story: Story) -> None:
    assert story.told["same snapshot.features"]["embedded_rows"] == 0
    fitted, judged = story.told["same snapshot.fit"], story.told["same snapshot.judge"]
    assert (fitted["reused"], fitted["package"]) == (True, story.told["first"]["package"])
    assert (judged["decision"], judged["run_id"]) == ("refuse", story.told["first"]["run_id"])
    assert story.told["same snapshot.promote"]["epoch"] is None
    assert story.told["same snapshot.after"] == story.told["first.after"] == {"epoch": 1, "runs": 1}
    assert story.told["same snapshot.aliases"] == {"champion": story.told["first"]["package"]}


def test_good_labels_are_promoted_on_the_same_rows_as_the_champion(story: Story) -> None:
    judged = story.told["good labels.judge"]
    assert judged["decision"] == "promote", judged["reasons"]
    assert judged["rows"] == 66
    low, observed, high = judged["difference"]
    assert observed == pytest.approx(judged["weighted_f1"] - judged["champion_weighted_f1"])
    assert low < observed < high
    assert story.told["good labels.promote"]["epoch"] == story.told["good labels.after"]["epoch"] == 2


def test_only_the_new_rows_are_embedded(story: Story) -> None:
    features = story.told["good labels.features"]
    assert features["rows"] == 156
    assert 66 <= features["embedded_rows"] <= 3 * 66


def test_bad_labels_are_refused_and_leave_the_epoch(story: Story) -> None:
    judged = story.told["bad labels.judge"]
    assert judged["decision"] == "refuse"
    assert any(reason.startswith("FAILED better") for reason in judged["reasons"])
    assert story.told["bad labels.promote"]["epoch"] is None
    assert story.told["bad labels.after"]["epoch"] == 2


def test_aliases_mirror_the_ledger_at_every_moment(story: Story) -> None:
    first, good, bad = (story.told[f"{name}.fit"]["package"] for name in ("same snapshot", "good labels", "bad labels"))
    assert story.told["good labels.aliases"] == {"champion": good, "previous": first}
    assert story.told["bad labels.aliases"] == {"champion": good, "previous": first, "challenger": bad}
    assert story.told["rollback.aliases"] == {"champion": first, "previous": good, "challenger": bad}


def test_the_ledger_tells_the_whole_story(story: Story) -> None:
    with story.workplace.sessions() as session:
        rows = list(reversed(promotions.history(session)))
    assert [(row.epoch, row.kind, row.manifest) for row in rows] == [
        (1, "first", 1),
        (2, "gate", 2),
        (3, "rollback", 1),
        (4, "companion", 1),
    ]
    assert rows[1].gate_report["outcome"] == "promote"
    assert rows[1].gate_report["weighted_f1"] == story.told["good labels.judge"]["weighted_f1"]
    assert rows[1].gate_report["evidence"]["comparison"]["overall"]["rows"] == 66
    assert rows[1].run_id == story.told["good labels.judge"]["run_id"]
    assert rows[2].reason == "complaints"


def test_a_judgement_is_remembered_by_its_snapshot(story: Story) -> None:
    with story.workplace.sessions() as session:
        rows = [row for number in (1, 2, 3) for row in audit.of_subject(session, f"manifest/{number}")]
    first, good, bad = (story.told[f"{name}.fit"]["package"] for name in ("same snapshot", "good labels", "bad labels"))
    assert {(row.subject, row.detail["package"], row.detail["decision"]) for row in rows} >= {
        ("manifest/1", first, "first"),
        ("manifest/1", first, "refuse"),
        ("manifest/2", good, "promote"),
        ("manifest/3", bad, "refuse"),
    }


def test_what_was_said_of_each_package_is_kept_for_those_who_promote(story: Story) -> None:
    first, good = (story.told[f"{name}.fit"]["package"] for name in ("same snapshot", "good labels"))
    lexical = story.told["companion"]["package"]
    with story.workplace.sessions() as session:
        found = judgements.newest_of(session, [first, good, lexical])
    # Of the first, which was judged beside itself too, nothing new was said then.
    assert {package: (one.said.decision, one.said.champion) for package, one in found.items()} == {
        first: ("first", None),
        good: ("promote", first),
        lexical: ("companion", None),
    }
    assert found[good].said.gate["outcome"] == "promote"
    assert found[good].said.weighted_f1 == story.told["good labels.judge"]["weighted_f1"]


def test_what_was_measured_of_each_package_is_kept_for_those_who_look(story: Story) -> None:
    first, good = (story.told[f"{name}.fit"]["package"] for name in ("same snapshot", "good labels"))
    judged, snapshot = story.told["good labels.judge"], Snapshot.open(story.workplace.store.training, 2)
    with story.workplace.sessions() as session:
        alone, found = (evaluations.newest_of(session, one) for one in (first, good))
        stored = session.scalars(evaluations.select_newest(judgements.subject_of_package(good))).one()
    assert alone is not None
    assert found is not None
    assert (alone.champion, alone.changes, alone.examples) == (None, {}, [])
    assert found.champion is not None
    assert (found.challenger.package, found.champion.package, found.rows) == (good, first, 66)
    assert found.challenger.scores["weighted_f1"] == pytest.approx(judged["weighted_f1"], abs=1e-5)
    assert sum(found.support) == 66
    for figures in (found.challenger, found.champion):
        assert figures.latency_s is not None
        assert figures.latency_s > 0
        assert [sum(row) for row in figures.confusion or []] == list(found.support)
        right = sum(row[place] for place, row in enumerate(figures.confusion or []))
        assert right / 66 == pytest.approx(figures.scores["accuracy"], abs=1e-5)
    assert found.changes["mended"] > found.changes["broken"]
    for one in found.examples:
        row = snapshot.segment_rows(one.segment)[one.row]
        assert (row.product_id, row.prdtypecode) == (one.product_id, one.truth)
        assert row.split in {"holdout", "fresh"}
        assert one.champion != one.challenger
    assert len(json.dumps(stored)) < 64 * 1024
    assert "livre" not in json.dumps(stored)  # no text of a product leaves the store


def test_several_models_are_trained_side_by_side_and_none_is_promoted(story: Story) -> None:
    several, known = story.told["several"], {"lexical", "fusion-weighted"}
    assert {one["model"] for one in several["trained"]} == known
    assert all(one["weighted_f1"] > 0.5 for one in several["trained"])
    assert {story.client.get_run(one["run_id"]).data.tags["package"] for one in several["trained"]} == {
        one["package"] for one in several["trained"]
    }
    assert all(story.client.search_model_versions(f"name='{model}'") for model in known)
    assert story.told["several.after"] == {"epoch": 3, "aliases": story.told["rollback.aliases"]}


def test_a_model_that_cannot_be_trained_is_named_and_stops_no_other(story: Story) -> None:
    assert "fusion-concat" in story.told["several"]["refused"]["unheard-of"]  # it says which there are


def test_a_companion_stands_beside_the_champion_and_no_gate_decides_about_it(story: Story) -> None:
    (lexical,) = (one for one in story.told["several"]["trained"] if one["model"] == "lexical")
    assert story.told["companion"]["models"] == {
        "fusion": story.told["first"]["package"],
        "lexical": lexical["package"],
    }
    alias = story.client.get_model_version_by_alias("lexical", "champion")
    assert (story.told["companion"]["mirrored"], alias.tags["package"]) == (True, lexical["package"])
    with pytest.raises(NotJudged, match="companion"):
        release.promote(story.workplace, package=lexical["package"], run_key=lexical["run_key"])


def test_a_run_says_what_it_was_trained_on_and_how_it_was_judged(story: Story) -> None:
    run = story.client.get_run(story.told["good labels.judge"]["run_id"])
    assert run.data.tags["gate.outcome"] == "promote"
    assert run.data.tags["champion"] == story.told["first"]["package"]
    assert run.data.tags["manifest"] == "2"
    assert run.data.tags["train_key"] == story.told["good labels.fit"]["train_key"]
    assert run.data.params["lexical.word_bits"] == "10"
    assert run.data.metrics["weighted_f1"] > run.data.metrics["champion_weighted_f1"]
    assert run.data.metrics["difference.improves"] >= 0.8
    assert story.client.get_metric_history(run.info.run_id, "bert.loss")
    assert {file.path for file in story.client.list_artifacts(run.info.run_id)} >= FILES
    assert len(story.client.list_artifacts(run.info.run_id, "plots")) == 5
    logs = story.client.list_artifacts(run.info.run_id, "tensorboard")
    assert {file.path for file in logs} == {"tensorboard/bert", "tensorboard/resnet50"}


def test_the_same_run_key_repeats_its_answers_without_work(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*arguments: Any, **options: Any) -> None:
        raise AssertionError("this was done before")

    monkeypatch.setattr(learn, "fit_model", never)
    monkeypatch.setattr(judgement, "examine", never)
    package = story.told["good labels.fit"]["package"]
    again = learn.fit(story.workplace, manifest=2, run_key="good labels")
    assert again == story.told["good labels.fit"]
    judged = judgement.judge(story.workplace, package=package, manifest=2, run_key="good labels")
    assert judged == story.told["good labels.judge"]
    assert release.promote(story.workplace, package=package, run_key="good labels")["epoch"] == 2
    assert story.epoch() == 4


def test_a_refused_package_is_judged_again_once_another_champion_is_served(story: Story) -> None:
    before = story.told["bad labels.judge"]
    package = before["package"]
    again = judgement.judge(story.workplace, package=package, manifest=3, run_key="bad labels")
    assert (before["epoch"], again["epoch"]) == (2, 4)
    assert again["champion_weighted_f1"] != before["champion_weighted_f1"]
    assert again["run_id"] == before["run_id"]


@contextmanager
def forged_golden_answers(folder: Path) -> Iterator[None]:
    """Other golden answers in a package, with its manifest in agreement: only answering finds out."""
    kept = {name: (folder / name).read_bytes() for name in ("golden.npz", "manifest.json")}
    with np.load(folder / "golden.npz") as golden:
        arrays = dict(golden)
    np.savez(folder / "golden.npz", **arrays | {"probabilities": np.roll(arrays["probabilities"], 1, axis=1)})
    manifest = json.loads(kept["manifest.json"])
    manifest["files"]["golden.npz"] = hashlib.sha256((folder / "golden.npz").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    yield
    for name, data in kept.items():
        (folder / name).write_bytes(data)


def test_a_package_that_forgot_its_golden_answers_is_refused_and_registered_nowhere(story: Story) -> None:
    package, runs = story.told["bad labels.fit"]["package"], story.runs()
    with forged_golden_answers(story.workplace.store.packages / package):
        judged = judgement.judge(story.workplace, package=package, manifest=3, run_key="forged")
    assert (judged["decision"], judged["run_id"], judged["weighted_f1"]) == ("refuse", None, None)
    assert judged["reasons"][0].startswith("FAILED golden answers")
    assert story.runs() == runs
    assert release.promote(story.workplace, package=package, run_key="forged")["epoch"] is None


def test_a_package_nobody_trained_here_cannot_be_judged(story: Story) -> None:
    with pytest.raises(NeverTrained):
        judgement.judge(story.workplace, package="a" * 64, manifest=None, run_key="unheard of")


def test_without_a_tracking_server_nothing_is_decided(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    package, runs = story.told["good labels.fit"]["package"], story.workplace.runs
    monkeypatch.setattr(story.workplace, "train", TrainSettings(tracking_uri="http://127.0.0.1:9"))
    with pytest.raises(TrackingUnavailable):
        judgement.judge(story.workplace, package=package, manifest=2, run_key="in the dark")
    assert runs.result("in the dark", "judge").read() is None


def test_a_store_without_measured_rows_cannot_be_judged_on(tmp_path: Path) -> None:
    elsewhere = StoreSettings(root=tmp_path)
    Shop(elsewhere).add(BASE_SEGMENT, {"train": 3})
    with pytest.raises(NothingToJudgeOn):
        Exam.of(Snapshot.open(elsewhere.training))


def command(story: Story, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as the orchestrator does."""
    workplace = story.workplace
    environment = os.environ | {
        "STORE_ROOT": str(workplace.store.root),
        "DB_URL": f"sqlite:///{workplace.store.root.parent}/etalon.db",
        "TRAIN_TRACKING_URI": workplace.train.tracking_uri,
        "TRAIN_CONFIG": str(workplace.train.config),
        "MODEL_TEXT_ENCODER": workplace.model.text_encoder,
    }
    line = [sys.executable, "-m", "training.jobs", *arguments]
    return subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def last_line(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["promote", "--run-key", "bad labels"], 99, {"epoch": None, "decision": "refuse"}),
        (["fit", "--run-key", "good labels"], 0, {"reused": False, "manifest": 2}),
    ],
)
def test_the_command_prints_one_json_line_and_says_when_there_is_nothing_to_do(
    story: Story, arguments: Sequence[str], code: int, told: dict[str, Any]
) -> None:
    package = ["--package", story.told["bad labels.fit"]["package"]] if arguments[0] == "promote" else []
    done = command(story, *arguments, *package)
    assert done.returncode == code, done.stderr
    assert last_line(done).items() >= told.items()


def test_the_command_refuses_in_one_line(story: Story) -> None:
    done = command(story, "rollback", "--reason", "again", "--expected-epoch", "1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].startswith("rollback refused (release.epoch_moved)")


def test_a_judgement_that_was_cut_off_before_it_was_remembered_is_made_again(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = story.told["bad labels.fit"]["package"]
    facts = {"package": package, "manifest": None, "run_key": "cut off"}

    def remembered() -> int:
        with story.workplace.sessions() as session:
            return len(audit.of_subject(session, judgements.subject_of_package(package)))

    before = remembered()
    with monkeypatch.context() as cut:
        cut.setattr(judgements, "record", lambda *args, **named: (_ for _ in ()).throw(OSError("cut off")))
        with pytest.raises(OSError, match="cut off"):
            judgement.judge(story.workplace, **facts)
    assert remembered() == before
    judgement.judge(story.workplace, **facts)
    assert remembered() > before
