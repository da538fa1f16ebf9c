"""training.csv is the snapshot's rows, whatever happened before, and costs only what is new."""

import fcntl
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from core import failpoints
from core.failpoints import FailpointError
from core.store import training_csv
from core.store.manifests import Tombstone, manifest_path, newest, publish_batch
from core.store.rows import decode_rows
from core.store.segments import BASE_SEGMENT, PRODUCTS, segment_folder, segment_name, write_segment
from core.store.snapshot import Snapshot
from tests.unit.core.store.store_samples import append, photos, row, store


@pytest.fixture
def training(tmp_path: Path) -> Path:
    """Three base rows and two validated ones, and their training.csv."""
    training_csv.refresh(store(tmp_path))
    return tmp_path


def path_of(training: Path) -> Path:
    return training / training_csv.TRAINING_CSV


def assert_current(training: Path) -> None:
    rows = Snapshot.open(training).rows
    assert decode_rows(path_of(training).read_bytes(), "training.csv") == rows
    assert training_csv.is_intact(training)
    known, manifest = training_csv.recorded(training), newest(training)
    assert manifest is not None
    assert (known["manifest_sha256"], known["rows"]) == (manifest.sha256, len(rows))
    assert not training_csv.refresh(training)


def grow(training: Path, number: int) -> None:
    append(training, segment_name(number), [row(10 * number, validated=True)])


def bury(training: Path, *stones: Tombstone) -> None:
    publish_batch(training, None, stones, taxonomy_version="t1")


def test_it_holds_the_live_rows_for_pandas(training: Path) -> None:
    assert_current(training)
    assert len(pd.read_csv(path_of(training), dtype=str, keep_default_na=False)) == 5


def test_a_new_segment_adds_its_lines_and_leaves_the_others_alone(training: Path) -> None:
    before = path_of(training).stat().st_ino
    segment_folder(training, BASE_SEGMENT).joinpath(PRODUCTS).rename(training / "away")
    grow(training, 2)
    assert training_csv.refresh(training)
    (training / "away").rename(segment_folder(training, BASE_SEGMENT) / PRODUCTS)
    assert path_of(training).stat().st_ino == before
    assert_current(training)


def test_several_new_segments_are_added_at_once(training: Path) -> None:
    grow(training, 2)
    grow(training, 3)
    assert training_csv.refresh(training)
    assert_current(training)


def test_a_retracted_row_leaves_and_the_segments_it_is_not_in_are_not_read(training: Path) -> None:
    bury(training, Tombstone(segment_name(1), 0))
    segment_folder(training, BASE_SEGMENT).joinpath(PRODUCTS).rename(training / "away")
    assert training_csv.refresh(training)
    (training / "away").rename(segment_folder(training, BASE_SEGMENT) / PRODUCTS)
    assert_current(training)


def test_a_corrected_row_is_in_it_once(training: Path) -> None:
    corrected = [row(4, validated=True, code=40)]
    segment = write_segment(training, segment_name(2), corrected, photos(corrected))
    publish_batch(training, segment, [Tombstone(segment_name(1), 0)], taxonomy_version="t1")
    assert training_csv.refresh(training)
    assert_current(training)
    assert [one.prdtypecode for one in Snapshot.open(training).rows if one.product_id == "p4"] == [40]


@pytest.mark.parametrize("edit", ["edited by hand", None, "same length"])
def test_what_was_edited_or_lost_is_written_again(training: Path, edit: str | None) -> None:
    if edit is None:
        path_of(training).unlink()
    elif edit == "same length":
        path_of(training).write_bytes(path_of(training).read_bytes().replace(b"title 1", b"title 7"))
    else:
        path_of(training).write_text(edit)
    assert not training_csv.is_intact(training)
    assert training_csv.refresh(training)
    assert_current(training)


@pytest.mark.parametrize("record", ["", "[]", "{}", '{"manifest": 9, "pieces": 1}'])
def test_without_a_usable_record_everything_is_written_again(training: Path, record: str) -> None:
    (training / "training.csv.json").write_text(record)
    assert not training_csv.is_intact(training)
    assert training_csv.refresh(training)
    assert_current(training)


def test_a_file_of_another_history_is_not_built_upon(training: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    append(other, BASE_SEGMENT, [row(7), row(8), row(9)])
    append(other, segment_name(1), [row(4, validated=True), row(5, validated=True)])
    for number in (1, 2):
        manifest_path(training, number).write_bytes(manifest_path(other, number).read_bytes())
    for name in (BASE_SEGMENT, segment_name(1)):
        segment_folder(training, name).joinpath(PRODUCTS).write_bytes(
            segment_folder(other, name).joinpath(PRODUCTS).read_bytes()
        )
    grow(training, 2)
    assert training_csv.refresh(training)
    assert_current(training)


def test_a_damaged_piece_is_not_copied(training: Path) -> None:
    times = path_of(training).stat()
    path_of(training).write_bytes(path_of(training).read_bytes().replace(b"title 1", b"title 7"))
    os.utime(path_of(training), ns=(times.st_atime_ns, times.st_mtime_ns))
    bury(training, Tombstone(segment_name(1), 0))
    assert training_csv.refresh(training)
    assert_current(training)


@pytest.mark.parametrize("retracting", [False, True])
@pytest.mark.parametrize("fault", ["begun:1:kill", "begun:1:torn", "written:1:kill", "recorded:1:kill"])
def test_a_writer_cut_short_is_made_good_by_the_next(training: Path, fault: str, retracting: bool) -> None:
    if retracting:
        bury(training, Tombstone(segment_name(1), 1))
    else:
        grow(training, 2)
    code = "import sys, pathlib; from core.store import training_csv; training_csv.refresh(pathlib.Path(sys.argv[1]))"
    environment = {**os.environ, "ETALON_FAILPOINT": f"training_csv.{fault}"}
    killed = subprocess.run([sys.executable, "-c", code, str(training)], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    training_csv.refresh(training)
    grow(training, 3)
    training_csv.refresh(training)
    assert_current(training)


def test_a_full_disk_leaves_a_file_that_the_next_writer_mends(training: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grow(training, 2)
    monkeypatch.setattr(failpoints, "_reached", Counter())
    monkeypatch.setenv("ETALON_FAILPOINT", "training_csv.written:1:full")
    with pytest.raises(FailpointError):
        training_csv.refresh(training)
    monkeypatch.delenv("ETALON_FAILPOINT")
    assert training_csv.refresh(training)
    assert_current(training)


def test_nobody_waits_for_a_writer_that_has_stalled(training: Path) -> None:
    grow(training, 2)
    descriptor = os.open(training, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        assert not training_csv.refresh(training)
    finally:
        os.close(descriptor)
    assert training_csv.is_intact(training)
    assert training_csv.refresh(training)
    assert_current(training)
