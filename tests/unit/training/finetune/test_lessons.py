from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.settings import StoreSettings
from core.store.snapshot import Snapshot
from tests.toys.shop import TAXONOMY, Shop
from training.finetune.lessons import LearnableRows, photos_of, texts_of
from training.learning_rows import TooFewRows

COUNTS = {"train": 12, "validation": 6, "holdout": 6, "fresh": 3, "none": 3}


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    store = StoreSettings(root=tmp_path)
    Shop(store).add("000000-base", COUNTS)
    return Snapshot.open(store.training)


def test_only_train_and_validation_rows_are_read(snapshot: Snapshot) -> None:
    rows = LearnableRows.choose(snapshot, TAXONOMY, np.ones(30, bool))
    assert {snapshot.rows[place].split for place in rows.places[rows.train]} == {"train"}
    assert {snapshot.rows[place].split for place in rows.places[rows.validation]} == {"validation"}
    assert (len(rows.train), len(rows.validation), rows.classes) == (12, 6, 3)
    assert [TAXONOMY.codes[label] for label in rows.labels] == [snapshot.rows[one].prdtypecode for one in rows.places]


def test_a_product_without_the_half_is_left_out(snapshot: Snapshot) -> None:
    has_photo = np.array([bool(row.image_sha256) for row in snapshot.rows])
    rows = LearnableRows.choose(snapshot, TAXONOMY, has_photo)
    assert 0 < len(rows.places) < 18
    photos = photos_of(snapshot, rows.places)(np.array([1, 0]))
    segment, row = snapshot.addresses[rows.places[1]]
    np.testing.assert_array_equal(photos[0], snapshot.images(segment)[row])
    assert photos.shape == (2, 224, 224, 3)


def test_a_class_that_only_validation_knows_is_not_judged_by(snapshot: Snapshot) -> None:
    snapshot.rows[:] = [
        replace(row, prdtypecode=TAXONOMY.codes[0]) if row.split == "train" and row.prdtypecode == 60 else row
        for row in snapshot.rows
    ]
    rows = LearnableRows.choose(snapshot, TAXONOMY, np.ones(30, bool))
    assert rows.classes == 2
    assert 60 not in {snapshot.rows[place].prdtypecode for place in rows.places}


def test_one_class_is_nothing_to_learn(snapshot: Snapshot) -> None:
    only = np.array([row.prdtypecode == 10 for row in snapshot.rows])
    with pytest.raises(TooFewRows, match="at least two classes"):
        LearnableRows.choose(snapshot, TAXONOMY, only)


def test_texts_are_those_that_models_read(snapshot: Snapshot) -> None:
    assert texts_of(snapshot) == [row.designation for row in snapshot.rows]
