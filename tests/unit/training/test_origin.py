"""What a training was given travels in its package and names the training again."""

from pathlib import Path

import numpy as np
import pytest

from core.domain.taxonomy import Category, Taxonomy
from core.registry.packages import CorruptPackage, write_package
from training.jobs.origin import NoOrigin, Origin
from training.jobs.runs import version_of

TAXONOMY = Taxonomy([Category(10, "Books, old", "Livres", "Culture"), Category(40, "Games", "Jeux", "Culture")])
ORIGIN = Origin(
    model="fusion",
    manifest=3,
    manifest_sha256="a" * 64,
    encoders={"text": "b" * 64},
    taxonomy=TAXONOMY.to_csv(),
    config=b"seed = 1\n# \xc3\xa9\n",
    code={"training/fit.py": "d" * 64},
    warm_start="c" * 64,
)


def test_an_origin_is_read_back_from_the_package_as_it_was(tmp_path: Path) -> None:
    facts = {"kind": "model", "spec": {}, "arrays": {"nothing": np.zeros(1)}}
    package = write_package(tmp_path, **facts, extra_files=ORIGIN.to_files())
    again = Origin.of(package)
    assert again == ORIGIN
    assert again.train_key == ORIGIN.train_key
    assert again.code_version == version_of(ORIGIN.code)


def test_an_origin_is_no_part_of_what_a_package_is(tmp_path: Path) -> None:
    facts = {"kind": "model", "spec": {}, "arrays": {"nothing": np.zeros(1)}}
    with_it = write_package(tmp_path / "with", **facts, extra_files=ORIGIN.to_files())
    without = write_package(tmp_path / "without", **facts)
    assert with_it.sha == without.sha
    with pytest.raises(NoOrigin):
        Origin.of(without)


def test_an_origin_that_says_something_else_is_refused(tmp_path: Path) -> None:
    files = {**ORIGIN.to_files(), "origin/origin.json": b'{"model": "fusion"}'}
    package = write_package(tmp_path, kind="model", spec={}, arrays={"nothing": np.zeros(1)}, extra_files=files)
    with pytest.raises(CorruptPackage):
        Origin.of(package)
