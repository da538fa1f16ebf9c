from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.errors import Conflict
from core.store import manifests
from core.store.manifests import (
    CorruptManifest,
    ManifestTaken,
    NoManifest,
    Tombstone,
    UnknownRow,
    append_segment,
    publish_batch,
)
from core.store.segments import BASE_SEGMENT, segment_name, write_segment
from tests.unit.core.store.store_samples import append, photos, row, store


def test_each_manifest_names_its_parent_and_adds_one_segment(tmp_path: Path) -> None:
    store(tmp_path)
    first, second = manifests.read(tmp_path, 1), manifests.read(tmp_path, 2)
    assert (first.parent, second.parent) == (None, first.sha256)
    assert [segment.name for segment in second.segments] == [BASE_SEGMENT, "000001"]
    assert second.segments[0] == first.segments[0]
    assert manifests.newest(tmp_path) == second


def test_the_second_of_two_writers_learns_that_the_number_is_taken(tmp_path: Path) -> None:
    store(tmp_path)
    parent = manifests.read(tmp_path, 1)
    late = manifests.following(parent, parent.segments[0], taxonomy_version="t2")
    with pytest.raises(ManifestTaken):
        manifests.publish(tmp_path, late)
    assert manifests.read(tmp_path, 2) != late


def test_appending_a_segment_again_adds_nothing(tmp_path: Path) -> None:
    store(tmp_path)
    segment = manifests.read(tmp_path, 2).segments[0]
    assert append_segment(tmp_path, segment, taxonomy_version="t9") == 1
    assert manifests.numbers(tmp_path) == [1, 2]


def test_writers_that_race_are_all_in_the_newest_manifest(tmp_path: Path) -> None:
    def write(number: int) -> int:
        rows = [row(number)]
        segment = write_segment(tmp_path, segment_name(number), rows, photos(rows))
        return append_segment(tmp_path, segment, taxonomy_version="t1")

    with ThreadPoolExecutor(4) as pool:
        published = list(pool.map(write, [1, 2, 3, 4, 4, 3, 2, 1]))
    newest = manifests.newest(tmp_path)
    assert newest is not None
    assert sorted(segment.name for segment in newest.segments) == [segment_name(number) for number in (1, 2, 3, 4)]
    assert manifests.numbers(tmp_path) == sorted(set(published)) == [1, 2, 3, 4]
    assert published[:4] == published[:3:-1]


def test_a_batch_adds_its_segment_and_retracts_rows_in_one_manifest(tmp_path: Path) -> None:
    corrected = [row(4, validated=True, code=40)]
    segment = write_segment(store(tmp_path), segment_name(2), corrected, photos(corrected))
    stone = Tombstone(segment_name(1), 0)
    assert publish_batch(tmp_path, segment, [stone], taxonomy_version="t1") == 3
    newest = manifests.read(tmp_path, 3)
    assert (newest.segment(segment_name(2)), newest.tombstones) == (segment, (stone,))
    assert manifests.read(tmp_path, 2).tombstones == ()


def test_a_batch_may_only_retract(tmp_path: Path) -> None:
    stones = [Tombstone(segment_name(1), 1), Tombstone(BASE_SEGMENT, 2)]
    assert publish_batch(store(tmp_path), None, stones, taxonomy_version="t1") == 3
    assert manifests.read(tmp_path, 3).segments == manifests.read(tmp_path, 2).segments
    assert manifests.read(tmp_path, 3).tombstones == (stones[1], stones[0])


def test_publishing_a_batch_again_finds_the_manifest_that_first_held_it_all(tmp_path: Path) -> None:
    stone, other = Tombstone(segment_name(1), 0), Tombstone(BASE_SEGMENT, 0)
    publish_batch(store(tmp_path), None, [stone], taxonomy_version="t1")
    for number in (2, 3, 4):
        append(tmp_path, segment_name(number), [row(10 + number, validated=True)])
    publish_batch(tmp_path, None, [other], taxonomy_version="t1")
    segment = manifests.read(tmp_path, 4).segment(segment_name(2))
    assert publish_batch(tmp_path, None, [stone], taxonomy_version="t1") == 3
    assert publish_batch(tmp_path, segment, [stone], taxonomy_version="t1") == 4
    assert publish_batch(tmp_path, segment, [other, stone], taxonomy_version="t1") == 7
    assert manifests.numbers(tmp_path) == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("stone", [Tombstone(segment_name(1), 2), Tombstone("000007", 0), Tombstone(BASE_SEGMENT, -1)])
def test_a_row_that_the_store_does_not_have_cannot_be_retracted(tmp_path: Path, stone: Tombstone) -> None:
    with pytest.raises(UnknownRow, match=stone.segment):
        publish_batch(store(tmp_path), None, [stone], taxonomy_version="t1")
    assert manifests.numbers(tmp_path) == [1, 2]


def test_nothing_can_be_retracted_from_an_empty_store(tmp_path: Path) -> None:
    with pytest.raises(NoManifest):
        publish_batch(tmp_path, None, [Tombstone(BASE_SEGMENT, 0)], taxonomy_version="t1")


def test_retractions_and_segments_that_race_are_all_in_the_newest_manifest(tmp_path: Path) -> None:
    store(tmp_path)

    def write(number: int) -> int:
        rows = [row(10 * number, validated=True)]
        segment = write_segment(tmp_path, segment_name(number), rows, photos(rows)) if number % 2 else None
        stone = Tombstone(BASE_SEGMENT, number - 2)
        return publish_batch(tmp_path, segment, [stone], taxonomy_version="t1")

    with ThreadPoolExecutor(3) as pool:
        published = list(pool.map(write, [2, 3, 4, 4, 3, 2]))
    newest = manifests.newest(tmp_path)
    assert newest is not None
    assert set(newest.tombstones) == {Tombstone(BASE_SEGMENT, row) for row in (0, 1, 2)}
    assert newest.segment(segment_name(3)) is not None
    assert sorted(published) == [3, 3, 4, 4, 5, 5]


def test_a_published_segment_cannot_be_replaced(tmp_path: Path) -> None:
    store(tmp_path)
    other = write_segment(tmp_path / "elsewhere", segment_name(1), [row(9)], photos([row(9)]))
    with pytest.raises(Conflict, match="another segment 000001"):
        append_segment(tmp_path, other, taxonomy_version="t1")


@pytest.mark.parametrize("change", [(b"t1", b"t2"), (b'"rows":3', b'"rows":4'), (b"}", b""), (b"\n", b"\n\n")])
def test_a_changed_manifest_is_named_and_refused(tmp_path: Path, change: tuple[bytes, bytes]) -> None:
    path = manifests.manifest_path(store(tmp_path), 2)
    path.write_bytes(path.read_bytes().replace(*change))
    with pytest.raises(CorruptManifest, match=r"000002\.json"):
        manifests.newest(tmp_path)


def test_a_manifest_under_another_number_is_refused(tmp_path: Path) -> None:
    store(tmp_path)
    manifests.manifest_path(tmp_path, 3).write_bytes(manifests.manifest_path(tmp_path, 2).read_bytes())
    with pytest.raises(CorruptManifest):
        manifests.newest(tmp_path)


def test_an_empty_store_has_no_manifest(tmp_path: Path) -> None:
    assert manifests.newest(tmp_path) is None
    with pytest.raises(NoManifest):
        manifests.read(tmp_path, 1)
