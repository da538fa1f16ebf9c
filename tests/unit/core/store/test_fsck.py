"""Each way to break the store is found, named, and the only thing found."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.domain.consistency import OpenClaim, Staged, Staging
from core.domain.review import Status
from core.store import fsck, manifests, training_csv
from core.store.manifests import Tombstone, append_segment
from core.store.segments import BASE_SEGMENT, IMAGE_SHAPE, IMAGES, PRODUCTS, segment_name, write_segment
from tests.unit.core.store.store_samples import append, photos, row, store

INGESTED = Staged(Status.INGESTED, 10, appended=True, waiting=False)


def staging(**predictions: Staged) -> Callable[[], Staging]:
    return lambda: Staging({"p4": INGESTED, "p5": INGESTED, **predictions}, (), 0.0)


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
    assert found(training, staging()) == []
    assert found(training, full=True, read_tensor=lambda row: np.zeros(IMAGE_SHAPE, np.uint8)) == []


def test_a_store_without_a_manifest_breaks_nothing(tmp_path: Path) -> None:
    assert found(tmp_path) == []


def test_a_changed_products_file_is_named(training: Path) -> None:
    path = training / "segments" / "000001" / PRODUCTS
    path.write_bytes(path.read_bytes().replace(b"title 4", b"title 5"))
    assert "000001/products.csv does not have the sha256" in only(found(training, staging()))


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


def test_a_training_csv_that_lags_behind_is_no_violation(training: Path) -> None:
    append(training, segment_name(2), [row(6, validated=True)])
    (training / "training.csv").write_text("half-written")
    assert found(training) == []


def test_a_prediction_that_is_twice_in_the_view_breaks_i2(training: Path) -> None:
    append(training, segment_name(2), [row(4, validated=True)])
    assert [line[:2] for line in found(training)] == ["I2", "I2"]


def test_an_ingested_prediction_that_the_view_lacks_breaks_i2(training: Path) -> None:
    assert only(found(training, staging(p9=INGESTED))).startswith("I2  prediction p9")


def test_a_prediction_on_its_way_breaks_nothing(training: Path) -> None:
    waiting = Staged(Status.VALIDATED, 10, appended=False, waiting=True)
    assert found(training, staging(p5=waiting, p9=waiting)) == []


def test_a_row_without_its_validated_prediction_breaks_i3(training: Path) -> None:
    known = Staging({"p4": INGESTED}, (), 0.0)
    assert only(found(training, lambda: known)) == "I3  segment 000001 row 1: prediction p5 is not validated"


@pytest.mark.parametrize("name", [BASE_SEGMENT, segment_name(1)])
def test_a_row_in_the_wrong_kind_of_segment_breaks_i3(tmp_path: Path, name: str) -> None:
    rows = [row(1, validated=name == BASE_SEGMENT)]
    append_segment(tmp_path, write_segment(tmp_path, name, rows, photos(rows)), taxonomy_version="t1")
    assert only(found(tmp_path)).startswith("I3")


def test_a_row_with_another_code_than_the_accepted_one_breaks_i4(training: Path) -> None:
    message = only(found(training, staging(p5=replace(INGESTED, code=20))))
    assert message == "I4  segment 000001 row 1: prediction p5 was accepted as 20, the row says 10"


def test_a_claim_older_than_its_lease_breaks_i7(training: Path) -> None:
    stuck = Staging({"p4": INGESTED, "p5": INGESTED}, (OpenClaim(2, 7, 3700.0), OpenClaim(3, 1, 10.0)), 60.0)
    assert only(found(training, lambda: stuck)).startswith("I7  segment claim 2: 7 rows")
    assert len(found(training, lambda: stuck, lease=fsck.Lease(claim_s=5000, waiting_s=30))) == 1


def test_one_corrupt_segment_does_not_hide_the_others(training: Path) -> None:
    for name in (BASE_SEGMENT, segment_name(1)):
        (training / "segments" / name / PRODUCTS).write_bytes(b"")
    assert len(found(training, staging())) == 2
