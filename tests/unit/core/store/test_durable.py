import fcntl
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from core import failpoints
from core.durable import make_folder
from core.failpoints import FailpointError
from core.store.durable import aside_folder, publish_once, sweep


def test_of_two_writers_exactly_one_publishes(tmp_path: Path) -> None:
    publish_once(tmp_path / "000001.json", b"first")
    with pytest.raises(FileExistsError):
        publish_once(tmp_path / "000001.json", b"second")
    assert [path.name for path in tmp_path.iterdir()] == ["000001.json"]
    assert (tmp_path / "000001.json").read_bytes() == b"first"


def test_a_failed_flush_publishes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        publish_once(tmp_path / "000001.json", b"first")
    assert list(tmp_path.iterdir()) == []


def test_sweeping_spares_the_folder_of_a_living_writer(tmp_path: Path) -> None:
    (tmp_path / ".000001.dead.aside").mkdir()
    (tmp_path / ".000001.dead.aside" / "images.npy").write_bytes(b"half")
    with aside_folder(tmp_path / "000002") as aside:
        assert sweep(tmp_path) == 1
        assert list(tmp_path.iterdir()) == [aside]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_a_killed_process_made_is_flushed_with_its_parents_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    real, flushed = os.fsync, []

    def note(descriptor: int) -> None:
        flushed.append(os.fstat(descriptor).st_ino)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    make_folder(tmp_path / "a" / "b")
    assert {tmp_path.stat().st_ino, (tmp_path / "a").stat().st_ino} <= set(flushed)
    flushed.clear()
    make_folder(tmp_path / "a" / "b" / "c")
    assert flushed == [(tmp_path / "a" / "b").stat().st_ino]


def test_folders_are_made_with_their_parents(tmp_path: Path) -> None:
    assert make_folder(tmp_path / "a" / "b").is_dir()
    assert make_folder(tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize("step", ["os.open", "fcntl.flock"])
def test_a_writer_whose_folder_is_swept_before_it_is_locked_makes_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The sweeper comes just before the writer's ``step``: after ``mkdir``, or after ``open``."""
    module, name = {"os.open": (os, "open"), "fcntl.flock": (fcntl, "flock")}[step]
    real, swept = getattr(module, name), []

    def sweep_first(*arguments: object) -> object:
        if not swept:
            swept.append(0)
            swept[0] = sweep(tmp_path)
        return real(*arguments)

    monkeypatch.setattr(module, name, sweep_first)
    with aside_folder(tmp_path / "000001") as aside:
        (aside / "images.npy").write_bytes(b"whole")
        assert swept == [1]
        assert sweep(tmp_path) == 0
        aside.rename(tmp_path / "000001")
    assert (tmp_path / "000001" / "images.npy").read_bytes() == b"whole"


@pytest.mark.parametrize("action", ["error", "full"])
@pytest.mark.parametrize("step", ["file.created", "file.written", "file.flushed", "once.written"])
def test_a_writer_that_fails_before_its_file_has_a_name_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, action: str
) -> None:
    monkeypatch.setattr(failpoints, "_reached", Counter())
    monkeypatch.setenv("ETALON_FAILPOINT", f"{step}:1:{action}")
    with pytest.raises(FailpointError):
        publish_once(tmp_path / "000001.json", b"first")
    assert list(tmp_path.iterdir()) == []
    publish_once(tmp_path / "000001.json", b"second")


def test_half_a_file_never_has_its_name(tmp_path: Path) -> None:
    path = tmp_path / "taxonomy.csv"
    path.write_bytes(b"old")
    code = "import pathlib, sys, core.durable as d; d.write_durably(pathlib.Path(sys.argv[1]), b'0123456789')"
    environment = {**os.environ, "ETALON_FAILPOINT": "file.created:1:torn"}
    assert subprocess.run([sys.executable, "-c", code, str(path)], env=environment, check=False).returncode == -9
    assert path.read_bytes() == b"old"
    assert [aside.read_bytes() for aside in tmp_path.glob(".*.aside")] == [b"01234"]
