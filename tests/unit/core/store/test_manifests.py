from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.errors import Conflict
from core.store import manifests
from core.store.manifests import CorruptManifest, ManifestTaken, NoManifest, append_segment
from core.store.segments import BASE_SEGMENT, segment_name, write_segment
from tests.unit.core.store.store_samples import photos, row, store


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
