"""Fine-tuning: killed and taken up again, stopped by its limit, packaged, and kept once it is served."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from core.registry.packages import Package
from core.settings import ModelSettings
from tests.conftest import ROOT
from tests.toys.bert import TINY, make_tensors, write_folder
from tests.toys.finetune_process import digest, tune
from training.encoders import build_text_encoder
from training.finetune.chosen import encoder_for
from training.finetune.origin import Tuning, write_tuned


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("uninterrupted")
    return tune(write_folder(folder / "bert"), folder / "run")


def _start(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.toys.finetune_process", str(folder / "bert"), str(folder / "run")]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def test_a_killed_training_goes_on_to_the_weights_of_one_that_was_not(
    tmp_path: Path, uninterrupted: dict[str, bytes]
) -> None:
    with _start(tmp_path) as killed:
        steps = (line for line in killed.stdout if line.startswith("step "))
        for _ in range(11):  # 6 steps an epoch, a checkpoint every 4: in the second epoch, between two checkpoints
            next(steps)
        killed.send_signal(signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / "run" / "checkpoint.safetensors").is_file()
    with _start(tmp_path) as resumed:
        lines = resumed.stdout.read().splitlines()
    assert 18 - 11 < sum(line.startswith("step ") for line in lines) < 18
    assert lines[-1] == f"sha {digest(uninterrupted)}"


def test_a_limit_stops_a_training_and_taking_it_away_goes_on(
    tmp_path: Path, uninterrupted: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_folder(tmp_path / "bert")
    stopped = tune(folder, tmp_path / "run", max_steps=7)
    assert capsys.readouterr().out.splitlines()[-1] == "steps 7 of 18"
    assert digest(stopped) != digest(uninterrupted)
    assert digest(tune(folder, tmp_path / "run")) == digest(uninterrupted)


def test_a_training_that_is_watched_gives_the_same_weights(tmp_path: Path, uninterrupted: dict[str, bytes]) -> None:
    told: list[tuple[int, dict[str, float]]] = []
    watched = lambda start: lambda step, numbers: told.append((step, dict(numbers)))  # noqa: E731
    tuned = tune(write_folder(tmp_path / "bert"), tmp_path / "run", watched=watched)
    assert digest(tuned) == digest(uninterrupted)
    assert [step for step, numbers in told if "learning_rate" in numbers] == list(range(1, 19))
    assert [step for step, numbers in told if "epoch/val_weighted_f1" in numbers] == [6, 12, 18]


def test_only_the_last_layers_learn_where_that_is_asked_for(tmp_path: Path) -> None:
    before = make_tensors(TINY)
    after = safetensors.numpy.load(tune(write_folder(tmp_path / "bert"), tmp_path / "run", 2, 1)["model.safetensors"])
    changed = {name for name, array in after.items() if not np.array_equal(array, before[name])}
    assert changed
    assert all(name.startswith("encoder.layer.1.") for name in changed)


@pytest.fixture(scope="module")
def packages(
    uninterrupted: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Package, Package]:
    """A packages folder with an encoder and the same one, tuned."""
    root = tmp_path_factory.mktemp("packages")
    named = build_text_encoder(ModelSettings(text_encoder=str(write_folder(root / "bert"))), root, max_tokens=20)
    tuning = Tuning("someone/french-bert", named.sha, "weights mit", 3, "a" * 64, 18, None)
    folder = write_tuned(root / "finetuned", tuning, uninterrupted)
    assert write_tuned(root / "finetuned", tuning, uninterrupted) == folder
    return root, named, build_text_encoder(ModelSettings(text_encoder=str(folder)), root, max_tokens=20)


def test_the_package_says_what_it_was_tuned_from_and_on(packages: tuple[Path, Package, Package]) -> None:
    _, named, tuned = packages
    assert tuned.spec["source"]["finetuned_from"] == named.sha
    assert tuned.spec["source"]["licence"] == "weights mit"
    card = (tuned.path / "model_card.md").read_text()
    assert "fine-tuned from someone/french-bert on manifest 3" in card


def test_a_promoted_tuning_stays_until_the_settings_name_something_else(
    packages: tuple[Path, Package, Package],
) -> None:
    root, named, tuned = packages
    assert encoder_for(named, None, root) == named
    assert encoder_for(named, tuned.sha, root) == tuned
    folder = write_folder(root / "other", tensors=make_tensors(TINY, seed=1))
    other = build_text_encoder(ModelSettings(text_encoder=str(folder)), root, max_tokens=20)
    assert encoder_for(other, tuned.sha, root) == other
    assert encoder_for(named, "f" * 64, root) == named
