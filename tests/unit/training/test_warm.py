"""From whose weights a training on a large store may start: never from a model that learnt what was taken back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.registry.packages import Package, write_package
from core.settings import StoreSettings
from core.store import manifests
from core.store.manifests import Tombstone, publish_batch
from core.store.segments import BASE_SEGMENT, segment_name
from core.store.snapshot import Snapshot
from tests.toys.shop import QUICK_CONFIG, TAXONOMY, Shop
from training.jobs.origin import Origin
from training.jobs.warm import with_start

LARGE = QUICK_CONFIG.replace("train_rows = 100000", "train_rows = 10").encode()


@pytest.fixture
def store(tmp_path: Path) -> StoreSettings:
    """Manifest 1: a base of 16 rows; manifest 2: four more."""
    store = StoreSettings(root=tmp_path)
    shop = Shop(store)
    shop.add(BASE_SEGMENT, {"train": 12, "validation": 4})
    shop.add(segment_name(1), {"train": 4})
    return store


def origin(store: StoreSettings, manifest: int, config: bytes = LARGE) -> Origin:
    sha = manifests.read(store.training, manifest).sha256
    return Origin("fusion", manifest, sha, {"text": "a"}, TAXONOMY.to_csv(), config, {"code.py": "b"})


def served(store: StoreSettings, manifest: int, *, learnt_from: str | None = None, **changed: str) -> Package:
    """A package that learnt from a manifest."""
    given = origin(store, manifest).starting_from(learnt_from)
    spec = {"architecture": "fusion", "taxonomy_version": TAXONOMY.version, **changed}
    spec |= {"snapshot": {"manifest": manifest, "sha256": given.manifest_sha256}}
    arrays = {"nothing": np.zeros(1)}
    return write_package(store.packages, kind="model", spec=spec, arrays=arrays, extra_files=given.to_files())


def start_of(store: StoreSettings, manifest: int, package: str | None, config: bytes = LARGE) -> str | None:
    snapshot = Snapshot.open(store.training, manifest)
    return with_start(origin(store, manifest, config), snapshot, store, lambda: package).warm_start


def test_a_large_store_starts_from_the_served_package(store: StoreSettings) -> None:
    package = served(store, 1)
    assert start_of(store, 2, package.sha) == package.sha


def test_a_small_store_starts_from_nothing_and_asks_nobody(store: StoreSettings) -> None:
    snapshot = Snapshot.open(store.training, 2)

    def ask() -> str:
        raise AssertionError("a small store needs no ledger")

    assert with_start(origin(store, 2, QUICK_CONFIG.encode()), snapshot, store, ask).warm_start is None


def test_a_label_that_was_taken_back_does_not_live_on_in_weights(store: StoreSettings) -> None:
    package = served(store, 1)
    publish_batch(store.training, None, [Tombstone(BASE_SEGMENT, 3)], taxonomy_version=TAXONOMY.version)
    assert start_of(store, 3, package.sha) is None


def test_a_row_taken_back_that_the_package_never_saw_does_no_harm(store: StoreSettings) -> None:
    package = served(store, 1)
    publish_batch(store.training, None, [Tombstone(segment_name(1), 0)], taxonomy_version=TAXONOMY.version)
    assert start_of(store, 3, package.sha) == package.sha


def test_an_older_snapshot_does_not_start_from_a_package_that_knows_more(store: StoreSettings) -> None:
    assert start_of(store, 1, served(store, 2).sha) is None


def test_training_again_on_the_served_packages_snapshot_is_the_same_training(store: StoreSettings) -> None:
    assert start_of(store, 2, served(store, 2, learnt_from="c" * 64).sha) == "c" * 64


@pytest.mark.parametrize("changed", [{"architecture": "lexical"}, {"taxonomy_version": "other"}])
def test_a_package_that_answers_otherwise_is_no_start(store: StoreSettings, changed: dict[str, str]) -> None:
    assert start_of(store, 2, served(store, 1, **changed).sha) is None


def test_without_a_served_package_or_with_a_lost_one_a_training_starts_from_nothing(store: StoreSettings) -> None:
    assert start_of(store, 2, None) is None
    assert start_of(store, 2, "d" * 64) is None


def test_what_a_training_starts_from_names_it(store: StoreSettings) -> None:
    given = origin(store, 1)
    assert replace(given, warm_start="e" * 64).train_key != given.train_key
