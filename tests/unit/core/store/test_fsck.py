"""Each way to break the store is found, named, and the only thing found."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from core.domain.consistency import Staging
from core.errors import NotFound
from core.store import fsck, manifests, training_csv
from core.store.manifests import Tombstone, append_segment
from core.store.rows import TrainingRow
from core.store.segments import BASE_SEGMENT, IMAGE_SHAPE, IMAGES, PRODUCTS, segment_name, write_segment
from tests.unit.core.store.store_samples import append, batch, ingested, photos, row, store


def loop() -> Staging:
    """What the database says of the sample store."""
    return Staging({"p4": ingested(1, 0, cluster="c4"), "p5": ingested(1, 1, cluster="c5")}, (batch(1, 2, manifest=2),))


@pytest.fixture
def training(tmp_path: Path) -> Path:
    training_csv.refresh(store(tmp_path))
    return tmp_path


def found(training: Path, read_staging: Callable[[], Staging] | None = None, **options: object) -> list[str]:
    return [str(one) for one in fsck.check(training, read_staging=read_staging, **options)]


def only(violations: list[str]) -> str:
    assert len(violations) == 1, violations
    return violations[0]


def test_a_sound_store_breaks_nothing(training: Path) -> None:
    assert found(training, loop) == []
    assert found(training, full=True, read_tensor=lambda row: np.zeros(IMAGE_SHAPE, np.uint8)) == []


def test_a_store_without_a_manifest_breaks_nothing(tmp_path: Path) -> None:
    assert found(tmp_path) == []


def test_a_changed_products_file_is_named(training: Path) -> None:
    path = training / "segments" / "000001" / PRODUCTS
    path.write_bytes(path.read_bytes().replace(b"title 4", b"title 5"))
    assert "000001/products.csv does not have the sha256" in only(found(training, loop))


def test_a_changed_tensor_is_seen_by_the_full_check_only(training: Path) -> None:
    path = training / "segments" / BASE_SEGMENT / IMAGES
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    assert found(training) == []
    assert only(found(training, full=True)).startswith("I5  segment 000000-base images.npy")


def test_a_truncated_or_missing_tensor_file_is_seen_at_once(training: Path) -> None:
    path = training / "segments" / "000001" / IMAGES
    path.write_bytes(path.read_bytes()[:-1])
    assert only(found(training)).startswith("I5  segment 000001 images.npy")
    path.unlink()
    assert only(found(training)).startswith("I5  segment 000001 images.npy")


def test_a_tensor_of_another_photo_is_named_with_its_product(tmp_path: Path) -> None:
    rows = [replace(row(1), image_sha256="a" * 64), replace(row(2), image_sha256="b" * 64), row(3)]
    shades = {"a" * 64: 10, "b" * 64: 200, "": 0}
    right = [np.full(IMAGE_SHAPE, shades[one.image_sha256], np.uint8) for one in rows]
    segment = write_segment(tmp_path, BASE_SEGMENT, rows, [right[1], right[0], right[2]])
    append_segment(tmp_path, segment, taxonomy_version="t1")
    wrong = found(tmp_path, full=True, read_tensor=lambda one: np.full(IMAGE_SHAPE, shades[one.image_sha256], np.uint8))
    assert [line.split(": ")[0] for line in wrong] == [
        "I5  segment 000000-base row 0 (product p1)",
        "I5  segment 000000-base row 1 (product p2)",
    ]


def test_a_photo_that_a_tensor_can_no_longer_be_compared_with_is_found(tmp_path: Path) -> None:
    append(tmp_path, BASE_SEGMENT, [replace(row(1), image_sha256="a" * 64)])

    def lost(one: TrainingRow) -> NoReturn:
        raise NotFound(f"no photo {one.image_sha256}")

    assert only(found(tmp_path, full=True, read_tensor=lost)).endswith(f"row 0 (product p1): no photo {'a' * 64}")


def test_a_tensor_without_a_photo_is_found(tmp_path: Path) -> None:
    segment = write_segment(tmp_path, BASE_SEGMENT, [row(1)], [np.ones(IMAGE_SHAPE, np.uint8)])
    append_segment(tmp_path, segment, taxonomy_version="t1")
    assert "no photo but a tensor" in only(found(tmp_path, full=True))


def test_a_missing_manifest_breaks_the_chain(training: Path) -> None:
    manifests.manifest_path(training, 1).unlink()
    assert "manifest 1 is missing" in only(found(training))


def test_a_changed_manifest_is_named(training: Path) -> None:
    path = manifests.manifest_path(training, 1)
    path.write_bytes(path.read_bytes().replace(b"t1", b"t2"))
    assert "000001.json was changed" in only(found(training))


def test_a_manifest_of_another_parent_breaks_the_chain(training: Path) -> None:
    newest = manifests.read(training, 2)
    manifests.publish(training, replace(newest, number=3, parent="0" * 64))
    assert "its parent is not manifest 2" in only(found(training))


def test_a_manifest_that_drops_a_segment_is_found(training: Path) -> None:
    newest = manifests.read(training, 2)
    manifests.publish(training, replace(newest, number=3, parent=newest.sha256, segments=newest.segments[:1]))
    assert "changes segments of manifest 2" in only(found(training))


def test_a_tombstone_that_vanishes_is_found(training: Path) -> None:
    second = manifests.read(training, 2)
    third = replace(second, number=3, parent=second.sha256, tombstones=(Tombstone(BASE_SEGMENT, 0),))
    manifests.publish(training, third)
    assert found(training) == []
    manifests.publish(training, replace(second, number=4, parent=third.sha256))
    assert "brings back rows" in only(found(training))


def test_a_training_csv_edited_by_hand_is_found(training: Path) -> None:
    with (training / "training.csv").open("a") as file:
        file.write("one more\n")
    assert only(found(training)).endswith("the next append rewrites it")


def test_a_training_csv_that_lacks_a_row_of_its_manifest_is_found(training: Path) -> None:
    path = training / "training.csv.json"
    record = json.loads(path.read_text())
    record["pieces"][1]["rows"] = 1
    path.write_text(json.dumps(record))
    assert only(found(training)).endswith("it has 1 rows of segment 000001, of which 2 are live")


def test_a_training_csv_that_lags_behind_is_no_violation(training: Path) -> None:
    append(training, segment_name(2), [row(6, validated=True)])
    (training / "training.csv").write_text("half-written")
    assert found(training) == []


def test_a_prediction_that_is_twice_in_the_view_breaks_i2(training: Path) -> None:
    append(training, segment_name(2), [row(4, validated=True)])
    assert [line[:2] for line in found(training)] == ["I2", "I2"]


@pytest.mark.parametrize("name", [BASE_SEGMENT, segment_name(1)])
def test_a_row_in_the_wrong_kind_of_segment_breaks_i3(tmp_path: Path, name: str) -> None:
    rows = [row(1, validated=name == BASE_SEGMENT)]
    append_segment(tmp_path, write_segment(tmp_path, name, rows, photos(rows)), taxonomy_version="t1")
    assert only(found(tmp_path)).startswith("I3")


def test_a_tombstone_of_a_row_that_is_not_there_breaks_i8(training: Path) -> None:
    second = manifests.read(training, 2)
    stones = (Tombstone(BASE_SEGMENT, 3), Tombstone("000009", 0))
    manifests.publish(training, replace(second, number=3, parent=second.sha256, tombstones=stones))
    assert [line.split(":")[0] for line in found(training)] == [
        "I8  segment 000000-base row 3",
        "I8  segment 000009 row 0",
    ]


def test_copies_on_both_sides_of_an_evaluation_are_found(tmp_path: Path) -> None:
    rows = [replace(row(n), cluster="c", split=split) for n, split in enumerate(("train", "none", "fresh"))]
    append_segment(tmp_path, write_segment(tmp_path, BASE_SEGMENT, rows, photos(rows)), taxonomy_version="t1")
    assert only(found(tmp_path)) == "I4  cluster c: its rows are in fresh, none, train"


def test_nothing_is_said_of_rows_where_the_newest_manifest_cannot_be_read(training: Path) -> None:
    path = manifests.manifest_path(training, 2)
    path.write_bytes(path.read_bytes().replace(b"t1", b"t2"))
    assert "000002.json was changed" in only(found(training, loop))


def test_a_database_that_moves_on_while_the_store_is_read_is_asked_again(training: Path) -> None:
    answers = iter([Staging({}), loop()])
    assert found(training, lambda: next(answers)) == []
    ahead = replace(loop(), batches=(*loop().batches, batch(2, 0, manifest=3)))
    answers = iter([loop(), ahead])
    assert found(training, lambda: next(answers)) == []


def test_one_corrupt_segment_does_not_hide_the_others(training: Path) -> None:
    for name in (BASE_SEGMENT, segment_name(1)):
        (training / "segments" / name / PRODUCTS).write_bytes(b"")
    assert len(found(training, loop)) == 2
