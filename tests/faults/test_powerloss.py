"""The recorder misses nothing, the model of the disk allows what disks do, and no power cut harms a label."""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.durable import flush, write_durably
from tests.faults import powerloss
from tests.faults.campaign import Plan, Progress, Tally
from tests.faults.disk import Disk, State
from tests.faults.powerloss import SCENES, Campaign, record
from tests.faults.powerloss_scenes import Append, Corrections, Predict, Scene
from tests.faults.recorder import Commit, Recorder


@contextmanager
def recorded(root: Path) -> Iterator[Disk]:
    """A disk that has done, when the block ends, what was done below ``root`` in it."""
    disk, recorder = Disk(State.of(root)), Recorder(root)
    with recorder.running():
        yield disk
    for operation in recorder.log:
        disk.apply(operation)


def files_after_a_power_cut(disk: Disk) -> list[dict[str, bytes]]:
    states = {state.fingerprint: state for state in disk.states(random.Random(1), 1000)}
    return [{path: bytes(content) for path, content in state.files.items()} for state in states.values()]


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_replaying_what_was_recorded_gives_the_very_tree_that_is_on_the_disk(scene: Scene, tmp_path: Path) -> None:
    scene.prepare(tmp_path)
    recording = record(tmp_path, scene.act)
    disk = Disk(recording.start)
    for operation in recording.log:
        disk.apply(operation)
    assert disk.visible().fingerprint == State.of(tmp_path / "var").fingerprint
    assert recording.start.fingerprint != State.of(tmp_path / "var").fingerprint
    commits = [operation.content for operation in recording.log if isinstance(operation, Commit)]
    if commits:
        assert commits[-1] == (tmp_path / "etalon.db").read_bytes()


def test_every_way_to_change_a_file_is_recorded(tmp_path: Path) -> None:
    with recorded(tmp_path) as disk:
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "text").write_text("un\ndeux\n", encoding="utf-8")
        with (tmp_path / "a" / "text").open("a", encoding="utf-8") as file:
            file.write("trois\n")
        with (tmp_path / "a" / "text").open("r+b") as file:
            file.seek(3)
            file.write(b"DEUX")
            file.truncate(9)
        descriptor = os.open(tmp_path / "b", os.O_CREAT | os.O_RDWR)
        os.write(descriptor, b"by number")
        os.ftruncate(descriptor, 5)
        with os.fdopen(descriptor, "r+b") as file:
            file.seek(5)
            file.write(b"and as a file")
        os.link(tmp_path / "b", tmp_path / "c")
        (tmp_path / "b").replace(tmp_path / "d")
        shutil.copytree(tmp_path / "a", tmp_path / "copy")
        shutil.rmtree(tmp_path / "a")
    assert disk.visible().fingerprint == State.of(tmp_path).fingerprint
    assert disk.visible().files == {"copy/text": b"un\nDEUX\nt", "c": b"by nuand as a file", "d": b"by nuand as a file"}


def test_a_way_to_write_that_it_does_not_know_is_refused(tmp_path: Path) -> None:
    with recorded(tmp_path), pytest.raises(NotImplementedError):
        (tmp_path / "link").symlink_to("elsewhere")


def test_what_was_not_flushed_may_be_there_in_part_as_zeros_or_not_at_all(tmp_path: Path) -> None:
    with recorded(tmp_path) as disk:
        (tmp_path / "file").write_bytes(b"1234")
        flush(tmp_path)
    contents = sorted(state["file"] for state in files_after_a_power_cut(disk))
    assert contents == sorted([b"", b"12", b"1234", bytes(4), b"\0\x0034"])


def test_flushing_a_file_does_not_make_its_name_durable(tmp_path: Path) -> None:
    with recorded(tmp_path) as disk:
        (tmp_path / "file").write_bytes(b"1234")
        flush(tmp_path / "file")
    assert sorted(files_after_a_power_cut(disk), key=len) == [{}, {"file": b"1234"}]


def test_a_file_that_is_replaced_holds_the_old_or_the_new_content_at_any_moment(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    disk, recorder = Disk(State.of(tmp_path)), Recorder(tmp_path)
    with recorder.running():
        write_durably(tmp_path / "file", b"new")
    seen = []
    for operation in recorder.log:
        disk.apply(operation)
        seen.append({state["file"] for state in files_after_a_power_cut(disk)})
    assert set().union(*seen) == {b"old", b"new"}
    assert seen[-1] == {b"new"}


def test_a_folder_that_is_not_on_the_disk_takes_what_is_in_it_along(tmp_path: Path) -> None:
    with recorded(tmp_path) as disk:
        (tmp_path / "inner").mkdir()
        write_durably(tmp_path / "inner" / "file", b"1234")
    assert {} in files_after_a_power_cut(disk)
    assert {"inner/file": b"1234"} in files_after_a_power_cut(disk)


@pytest.mark.parametrize("scene", [Append(), Corrections(), Predict()], ids=lambda scene: scene.name)
def test_no_flush_that_a_label_depends_on_can_be_left_out_unnoticed(
    scene: Scene, plan: Plan, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """``training.csv`` is derived and mended, so some of its flushes only save work."""
    campaign = Campaign(plan, Progress("powerloss", plan.seed), tmp_path_factory.mktemp("scratch"))
    derived = {"training", "training/training.csv"}
    missed = campaign.unnoticed(scene, lambda path: path in derived or "/.training.csv" in path)
    assert missed == []


def test_no_power_cut_loses_doubles_or_invents_a_label(
    run: Callable[[Callable[[Plan, Progress], Tally]], Tally],
) -> None:
    tally = run(powerloss.run)
    assert not tally.failed, [*tally.violations, str(tally.mutants)]
    assert tally.states >= 150
    assert tally.rows >= 200
    assert set(tally.mutants) == {"no_fsync", "no_folder_fsync"}
