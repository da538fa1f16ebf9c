from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.store import manifests
from core.store.manifests import NoManifest, Tombstone
from core.store.segments import BASE_SEGMENT, IMAGES, CorruptSegment, segment_folder, segment_name
from core.store.snapshot import Snapshot
from tests.unit.core.store.store_samples import store


def bury(training: Path, *stones: Tombstone) -> None:
    newest = manifests.newest(training)
    assert newest is not None
    manifests.publish(training, replace(newest, number=newest.number + 1, parent=newest.sha256, tombstones=stones))


def test_a_snapshot_holds_the_live_rows_in_order(tmp_path: Path) -> None:
    snapshot = Snapshot.open(store(tmp_path))
    assert [one.product_id for one in snapshot.rows] == ["p1", "p2", "p3", "p4", "p5"]
    assert snapshot.addresses == [(BASE_SEGMENT, 0), (BASE_SEGMENT, 1), (BASE_SEGMENT, 2), ("000001", 0), ("000001", 1)]
    assert (snapshot.manifest.number, [one.rows for one in snapshot.segments]) == (2, [3, 2])


def test_an_older_manifest_still_gives_its_own_snapshot(tmp_path: Path) -> None:
    assert len(Snapshot.open(store(tmp_path), 1).rows) == 3


def test_a_tombstoned_row_is_gone_from_the_rows_but_not_from_its_segment(tmp_path: Path) -> None:
    bury(store(tmp_path), Tombstone(BASE_SEGMENT, 1))
    snapshot = Snapshot.open(tmp_path)
    assert [one.product_id for one in snapshot.rows] == ["p1", "p3", "p4", "p5"]
    assert snapshot.addresses[1] == (BASE_SEGMENT, 2)
    assert len(snapshot.segment_rows(BASE_SEGMENT)) == len(snapshot.images(BASE_SEGMENT)) == 3


def test_images_are_mapped_not_loaded_and_cannot_be_written(tmp_path: Path) -> None:
    images = Snapshot.open(store(tmp_path)).images(segment_name(1))
    assert isinstance(images, np.memmap)
    assert images.shape == (2, 224, 224, 3)
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 1


def test_corrupt_images_are_never_handed_out(tmp_path: Path) -> None:
    path = segment_folder(store(tmp_path), segment_name(1)) / IMAGES
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(CorruptSegment, match=r"000001/images\.npy"):
        Snapshot.open(tmp_path).images(segment_name(1))


def test_an_empty_store_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoManifest, match="import a catalogue first"):
        Snapshot.open(tmp_path)
