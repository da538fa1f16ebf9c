"""The tracking store, for real: trainings recorded once, aliases after the ledger, a model that answers raw rows."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from PIL import Image

from core.domain.product import Product
from core.settings import TrainSettings
from inference.model import EncoderPool, ServedModel
from preprocessing.images import BadImage, sanitise
from tests.integration.api.packaged import TITLES, write_tiny_model
from training import plots
from training.plots import Scored
from training.tracking import ComparisonRecord, JudgementRecord, Tracking, TrackingUnavailable, TrainingRecord

ROOT = Path(__file__).resolve().parents[2]
QUIET = TrainSettings(tracking_uri="http://127.0.0.1:9")


def photo() -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(3).integers(0, 256, (90, 60, 3), np.uint8)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    packages = tmp_path_factory.mktemp("packages")
    sanitised = sanitise(photo(), max_bytes=10**6, max_pixels=10**6)
    return packages / write_tiny_model(packages, sanitised.data)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> TrainSettings:
    folder = tmp_path_factory.mktemp("tracking")
    settings = TrainSettings(tracking_uri=f"sqlite:///{folder}/mlflow.db", experiment="toy")
    # A tracking store without a server would put artefacts where the process happens to stand.
    MlflowClient(settings.tracking_uri).create_experiment("toy", artifact_location=str(folder / "artifacts"))
    return settings


@pytest.fixture
def tracking(settings: TrainSettings) -> Iterator[Tracking]:
    yield Tracking.connect(settings)
    assert mlflow.active_run() is None


@pytest.fixture
def client(settings: TrainSettings) -> MlflowClient:
    return MlflowClient(settings.tracking_uri)


def a_training(package: Path, train_key: str, model: str = "fusion") -> TrainingRecord:
    return TrainingRecord(
        train_key=train_key,
        model=model,
        package=package,
        params={"seed": 1, "bert.dropout": 0.3},
        metrics={"seconds.fit": 1.5},
        curves={"bert.loss": [1.0, 0.5, 0.25]},
        tags={"manifest": "1"},
        reports={"model_card.md": "# toy"},
        plots={"curves.png": plots.training_curves({"bert.loss": [1.0, 0.5]})},
    )


def another_package(package: Path, sha: str) -> Path:
    """A folder that is registered under another sha; nobody loads it."""
    folder = package.parent / sha
    folder.mkdir(exist_ok=True)
    (folder / "spec.json").write_text("{}")
    return folder


def runs_of(client: MlflowClient, train_key: str) -> dict[str, str]:
    [experiment] = client.search_experiments(filter_string="name = 'toy'")
    found = client.search_runs([experiment.experiment_id], f"tags.train_key = '{train_key}'")
    return {run.info.run_id: run.info.status for run in found}


def aliases_of(client: MlflowClient, model: str) -> dict[str, str]:
    aliases = client.get_registered_model(model).aliases
    return {alias: client.get_model_version(model, version).tags["package"] for alias, version in aliases.items()}


def test_a_training_leaves_parameters_curves_reports_plots_and_a_model(
    tracking: Tracking, client: MlflowClient, package: Path
) -> None:
    run_id = tracking.record(a_training(package, "whole"))
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert {"seed": "1", "bert.dropout": "0.3"}.items() <= run.data.params.items()
    assert run.data.metrics["seconds.fit"] == 1.5
    losses = [(point.step, point.value) for point in client.get_metric_history(run_id, "bert.loss")]
    assert losses == [(0, 1.0), (1, 0.5), (2, 0.25)]
    assert {file.path for file in client.list_artifacts(run_id)} == {"model_card.md", "plots"}
    assert (run.data.tags["package"], run.data.tags["manifest"]) == (package.name, "1")


def test_the_same_training_twice_is_one_run_and_one_version(
    tracking: Tracking, client: MlflowClient, package: Path
) -> None:
    first = tracking.record(a_training(package, "twice", "once"))
    assert tracking.record(a_training(package, "twice", "once")) == first
    assert runs_of(client, "twice") == {first: "FINISHED"}
    assert len(client.search_model_versions("name = 'once'")) == 1


def test_another_training_of_the_same_package_registers_no_second_version(
    tracking: Tracking, client: MlflowClient, package: Path
) -> None:
    runs = {tracking.record(a_training(package, key, "shared")) for key in ("yesterday", "today")}
    assert len(runs) == 2
    assert len(client.search_model_versions("name = 'shared'")) == 1


def test_a_run_that_was_killed_is_closed_as_failed_by_the_next_try(
    tracking: Tracking, client: MlflowClient, package: Path
) -> None:
    [experiment] = client.search_experiments(filter_string="name = 'toy'")
    killed = client.create_run(experiment.experiment_id, tags={"train_key": "killed"}).info.run_id
    finished = tracking.record(a_training(package, "killed"))
    assert runs_of(client, "killed") == {killed: "FAILED", finished: "FINISHED"}


def test_a_training_whose_recording_breaks_is_not_taken_for_recorded(
    tracking: Tracking, client: MlflowClient, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = replace(a_training(package, "broken", "broken"), package=package.parent / "nowhere")
    with pytest.raises(Exception, match="nowhere"):
        tracking.record(broken)
    assert list(runs_of(client, "broken").values()) == ["FAILED"]
    assert tracking.record(a_training(package, "broken", "broken")) in runs_of(client, "broken")


def test_a_later_judgements_values_come_after_an_earlier_ones(
    tracking: Tracking, client: MlflowClient, package: Path
) -> None:
    run_id = tracking.record(a_training(package, "judged"))
    for outcome, score in (("grey", 0.70), ("promote", 0.75)):
        report = {"gate.json": json.dumps({"outcome": outcome})}
        told = JudgementRecord(
            "fusion", package.name, {"gate.outcome": outcome}, {"weighted_f1": score}, report, {}, f"Gate: {outcome}."
        )
        tracking.annotate(run_id, told)
    run = client.get_run(run_id)
    assert (run.data.tags["gate.outcome"], run.data.metrics["weighted_f1"]) == ("promote", 0.75)
    assert [point.value for point in client.get_metric_history(run_id, "weighted_f1")] == [0.70, 0.75]
    [version] = client.search_model_versions(f"tags.package = '{package.name}' and name = 'fusion'")
    assert (version.description, version.tags["gate.outcome"]) == ("Gate: promote.", "promote")


def test_models_are_compared_in_one_run_however_often_it_is_asked_for(tracking: Tracking, client: MlflowClient) -> None:
    figure = plots.models([Scored("bert", 0.6, 0.5, 0.7)], {})
    told = ComparisonRecord(
        key="k1",
        tags={"manifest": "1"},
        metrics={"weighted_f1.bert": 0.6},
        reports={"models.json": "[]"},
        plots={"models.png": figure},
        description="Best: bert.",
    )
    run_id = tracking.compare(told)
    assert tracking.compare(told) == run_id
    run = client.get_run(run_id)
    assert (run.info.status, run.data.metrics, run.data.tags["manifest"]) == (
        "FINISHED",
        {"weighted_f1.bert": 0.6},
        "1",
    )
    assert {file.path for file in client.list_artifacts(run_id)} == {"models.json", "plots"}


def test_aliases_follow_the_ledger_there_and_back(tracking: Tracking, client: MlflowClient, package: Path) -> None:
    old, new = another_package(package, "a" * 64), another_package(package, "b" * 64)
    for folder in (old, new):
        tracking.record(a_training(folder, folder.name[:4], "mirrored"))
    tracking.mirror("mirrored", champion=old.name, previous=None, challenger=new.name)
    assert aliases_of(client, "mirrored") == {"champion": old.name, "challenger": new.name}
    assert tracking.challenger_of("mirrored") == new.name
    tracking.mirror("mirrored", champion=new.name, previous=old.name, challenger=None)
    assert aliases_of(client, "mirrored") == {"champion": new.name, "previous": old.name}
    tracking.mirror("mirrored", champion=old.name, previous=new.name, challenger=None)
    assert aliases_of(client, "mirrored") == {"champion": old.name, "previous": new.name}


def test_a_champion_that_was_never_registered_leaves_no_wrong_alias(
    tracking: Tracking, client: MlflowClient, package: Path
) -> None:
    tracking.record(a_training(package, "alone", "alone"))
    tracking.mirror("alone", champion=package.name, previous=None, challenger=None)
    tracking.mirror("alone", champion="f" * 64, previous=package.name, challenger=None)
    assert aliases_of(client, "alone") == {"previous": package.name}
    assert tracking.challenger_of("no such model") is None


def test_a_silent_server_is_our_own_error_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TrackingUnavailable, match=r"127\.0\.0\.1:9 does not answer"):
        Tracking.connect(QUIET)


@pytest.fixture
def served(tracking: Tracking, package: Path, settings: TrainSettings) -> mlflow.pyfunc.PyFuncModel:
    tracking.record(a_training(package, "served"))
    tracking.mirror("fusion", champion=package.name, previous=None, challenger=None)
    return mlflow.pyfunc.load_model("models:/fusion@champion")


def test_the_champion_answers_titles_alone(served: mlflow.pyfunc.PyFuncModel) -> None:
    answers = served.predict(pd.DataFrame({"designation": list(TITLES)}))
    assert answers["prdtypecode"].tolist() == [10, 40, 2060]
    assert answers["modality"].tolist() == ["text-only"] * 3
    assert [len(top) for top in answers["top_k"]] == [3, 3, 3]


def test_the_champion_answers_as_the_service_does(served: mlflow.pyfunc.PyFuncModel, package: Path) -> None:
    frame = pd.DataFrame(
        {"designation": [TITLES[1], ""], "description": [None, None], "image": [None, photo()]}, index=[7, 9]
    )
    answers = served.predict(frame)
    model = ServedModel.load(package.parent, package.name, encoders=EncoderPool(package.parent))
    clean = sanitise(photo(), max_bytes=10**6, max_pixels=10**6).data
    expected = model.predict([Product(TITLES[1]), Product("", None, clean)])
    assert answers.index.tolist() == [7, 9]
    assert answers["prdtypecode"].tolist() == [answer.prdtypecode for answer in expected]
    assert answers["confidence"].tolist() == pytest.approx([answer.confidence for answer in expected])
    assert answers["modality"].tolist() == ["text-only", "image-only"]


def test_a_photo_that_is_none_is_an_error_as_it_is_in_the_service(served: mlflow.pyfunc.PyFuncModel) -> None:
    with pytest.raises(BadImage):
        served.predict(pd.DataFrame({"designation": ["a book"], "image": [b"not a photo"]}))


def test_no_row_gives_no_answer(served: mlflow.pyfunc.PyFuncModel) -> None:
    answers = served.predict(pd.DataFrame({"designation": pd.Series([], dtype=object)}))
    assert (len(answers), list(answers.columns)) == (0, ["prdtypecode", "confidence", "top_k", "modality"])


def test_the_champion_answers_elsewhere_from_the_artefact_alone(
    served: mlflow.pyfunc.PyFuncModel, settings: TrainSettings, tmp_path: Path
) -> None:
    """Another process, another folder: our code comes from the artefact, and TensorFlow is not touched."""
    script = f"""
import sys, mlflow, pandas as pd
mlflow.set_tracking_uri({settings.tracking_uri!r})
model = mlflow.pyfunc.load_model("models:/fusion@champion")
code = int(model.predict(pd.DataFrame({{"designation": [{TITLES[2]!r}]}}))["prdtypecode"][0])
print(code, sys.modules["inference"].__file__.startswith({str(ROOT)!r}), {{"tensorflow", "keras"}} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "2060 False set()"
