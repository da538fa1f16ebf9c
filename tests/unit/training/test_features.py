"""The feature cache: only what is missing is embedded, nothing half-written counts, rows stay aligned."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.store.manifests import Tombstone, append_segment, publish_batch
from core.store.rows import TrainingRow
from core.store.segments import BASE_SEGMENT, segment_name, write_segment
from core.store.snapshot import Snapshot
from inference.appearance import Appearance
from tests.toys.shop import TAXONOMY
from training import features
from training.features import FeatureSet, features_of
from training.learning_rows import TrainingData


class ToyText:
    """Features of a text: its length and its words; counts what it was asked for."""

    sha, width = "a" * 64, 2

    def __init__(self) -> None:
        self.asked = 0

    def features(self, texts: Sequence[str]) -> NDArray[np.float16]:
        self.asked += len(texts)
        return np.array([[len(text), len(text.split())] for text in texts], np.float16)


class ToyImage:
    """Features of a photo: its mean colour."""

    sha, width = "b" * 64, 3

    def __init__(self) -> None:
        self.asked = 0

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float16]:
        self.asked += len(images)
        return images.mean(axis=(1, 2)).astype(np.float16)


def a_row(index: int, *, photo: bool = True, title: str | None = None) -> TrainingRow:
    sha = hashlib.sha256(str(index).encode()).hexdigest() if photo else ""
    designation = f"product {index}" if title is None else title
    return TrainingRow(f"p{index}", "", designation, "", 10, sha, "base", "train", f"c{index}", "", "", "")


def a_photo(row: TrainingRow, level: int) -> NDArray[np.uint8]:
    return np.full((224, 224, 3), level if row.image_sha256 else 0, np.uint8)


def append(training: Path, name: str, rows: list[TrainingRow]) -> None:
    photos = (a_photo(row, 10 * index + 5) for index, row in enumerate(rows))
    append_segment(training, write_segment(training, name, rows, photos), taxonomy_version="t")


@pytest.fixture
def training(tmp_path: Path) -> Path:
    append(tmp_path / "training", BASE_SEGMENT, [a_row(0), a_row(1, photo=False), a_row(2, title="")])
    return tmp_path / "training"


def encoders(text: ToyText, image: ToyImage) -> dict[str, object]:
    return {"text": text, "image": image, "appearance": Appearance()}


def compute(training: Path, text: ToyText, image: ToyImage) -> FeatureSet:
    return features_of(Snapshot.open(training), encoders=encoders(text, image), cache_root=training.parent / "features")


def test_features_are_aligned_with_the_snapshots_rows(training: Path) -> None:
    found = compute(training, ToyText(), ToyImage())
    assert found.texts == ("product 0", "product 1", "")
    assert found.arrays["text"].tolist() == [[9, 2], [9, 2], [0, 0]]
    assert found.arrays["image"].tolist() == [[5, 5, 5], [0, 0, 0], [25, 25, 25]]
    assert found.arrays["appearance"].shape == (3, Appearance.width)
    assert {array.dtype for array in found.arrays.values()} == {np.dtype(np.float16)}


def test_a_missing_half_is_zero_and_is_never_embedded(training: Path) -> None:
    text, image = ToyText(), ToyImage()
    found = compute(training, text, image)
    assert (text.asked, image.asked) == (2, 2)
    assert found.has_text.tolist() == [True, True, False]
    assert found.has_image.tolist() == [True, False, True]
    assert not found.arrays["appearance"][1].any()


def test_the_second_time_nothing_is_embedded(training: Path) -> None:
    before = compute(training, ToyText(), ToyImage())
    text, image = ToyText(), ToyImage()
    after = compute(training, text, image)
    assert (text.asked, image.asked, after.embedded_rows) == (0, 0, 0)
    assert before.embedded_rows == 6
    assert all(np.array_equal(before.arrays[name], after.arrays[name]) for name in before.arrays)


def test_a_new_segment_is_embedded_alone(training: Path) -> None:
    compute(training, ToyText(), ToyImage())
    append(training, segment_name(1), [a_row(7), a_row(8)])
    text, image = ToyText(), ToyImage()
    found = compute(training, text, image)
    assert (text.asked, image.asked) == (2, 2)
    assert found.arrays["image"][:, 0].tolist() == [5, 0, 25, 5, 15]


def test_another_encoder_shares_nothing(training: Path) -> None:
    compute(training, ToyText(), ToyImage())
    other = ToyText()
    other.sha = "c" * 64
    compute(training, other, ToyImage())
    assert other.asked == 2


def test_other_rows_under_the_same_segment_name_share_nothing(training: Path, tmp_path: Path) -> None:
    compute(training, ToyText(), ToyImage())
    elsewhere = tmp_path / "elsewhere"
    append(elsewhere, BASE_SEGMENT, [a_row(3), a_row(4), a_row(5)])
    text = ToyText()
    found = features_of(Snapshot.open(elsewhere), encoders=encoders(text, ToyImage()), cache_root=tmp_path / "features")
    assert text.asked == 3
    assert found.texts[0] == "product 3"


def test_a_retracted_row_leaves_no_gap(training: Path) -> None:
    append(training, segment_name(1), [a_row(7)])
    publish_batch(training, None, [Tombstone(BASE_SEGMENT, 0)], taxonomy_version="t")
    found = compute(training, ToyText(), ToyImage())
    assert found.texts == ("product 1", "", "product 7")
    assert found.arrays["text"].tolist() == [[9, 2], [0, 0], [9, 2]]


def test_a_corrected_row_is_learnt_once_with_its_new_code_and_its_own_photo(training: Path) -> None:
    compute(training, ToyText(), ToyImage())
    corrected = replace(a_row(2, title="livre"), prdtypecode=40)
    segment = write_segment(training, segment_name(1), [corrected], [a_photo(corrected, 25)])
    publish_batch(training, segment, [Tombstone(BASE_SEGMENT, 2)], taxonomy_version="t")
    snapshot, image = Snapshot.open(training), ToyImage()
    data = TrainingData.of(snapshot.rows, compute(training, ToyText(), image), TAXONOMY)
    assert data.codes.tolist() == [10, 10, 40]
    assert data.inputs.texts == ("product 0", "product 1", "livre")
    assert data.inputs.features["image"][:, 0].tolist() == [5, 0, 25]
    assert image.asked == 1


def test_a_killed_embedding_resumes_at_its_last_block(training: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "BLOCK", 2)
    monkeypatch.setattr(features, "BATCH", 1)
    append(training, segment_name(1), [a_row(index) for index in range(10, 17)])

    class Killed(ToyText):
        def features(self, texts: Sequence[str]) -> NDArray[np.float16]:
            if texts[0] == "product 15":
                raise KeyboardInterrupt
            return super().features(texts)

    with pytest.raises(KeyboardInterrupt):
        compute(training, Killed(), ToyImage())
    text = ToyText()
    found = compute(training, text, ToyImage())
    assert text.asked == 3
    assert found.arrays["text"][3:].tolist() == [[10, 2]] * 7
    assert not list((training.parent / "features").rglob("*.part-*"))


def test_a_damaged_cache_file_is_computed_again(training: Path) -> None:
    compute(training, ToyText(), ToyImage())
    [kept] = (training.parent / "features" / ToyText.sha).glob("*.npy")
    kept.write_bytes(kept.read_bytes()[:40])
    text = ToyText()
    assert compute(training, text, ToyImage()).arrays["text"].tolist() == [[9, 2], [9, 2], [0, 0]]
    assert text.asked == 2


def test_progress_is_told_after_every_batch(training: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "BATCH", 1)
    told: list[tuple[str, str, int, int]] = []
    features_of(
        Snapshot.open(training),
        encoders=encoders(ToyText(), ToyImage()),
        cache_root=training.parent / "features",
        progress=lambda *facts: told.append(facts),
    )
    assert [(done, of) for what, _, done, of in told if what == "image"] == [(1, 3), (3, 3)]


def test_some_rows_can_be_asked_for(training: Path) -> None:
    append(training, segment_name(1), [a_row(7), a_row(8)])
    cache = training.parent / "features"
    some = features_of(
        Snapshot.open(training), encoders=encoders(ToyText(), ToyImage()), cache_root=cache, rows=np.array([0, 2, 4])
    )
    assert some.texts == ("product 0", "", "product 8")
    assert some.arrays["image"][:, 0].tolist() == [5, 25, 15]
    assert some.has_text.tolist() == [True, False, True]


def test_asking_for_no_row_fills_the_cache_all_the_same(training: Path) -> None:
    cache = training.parent / "features"
    none = features_of(Snapshot.open(training), encoders=encoders(ToyText(), ToyImage()), cache_root=cache, rows=[])
    assert (none.arrays["text"].shape, none.embedded_rows) == ((0, 2), 6)
    assert compute(training, ToyText(), ToyImage()).embedded_rows == 0
