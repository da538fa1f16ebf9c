import os
from pathlib import Path

import pytest

from core.store.durable import aside_folder, make_folder, publish_once, sweep


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


def test_folders_are_made_with_their_parents(tmp_path: Path) -> None:
    assert make_folder(tmp_path / "a" / "b").is_dir()
    assert make_folder(tmp_path / "a" / "b").is_dir()
