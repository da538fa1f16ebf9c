"""Packages taken away and claimed at the same moment, records of what went, and what killed processes leave."""

import fcntl
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

from core.registry import claims
from core.registry.claims import claimed_at, claiming, taking_away
from core.registry.packages import (
    DroppedPackage,
    MissingPackage,
    Package,
    claim,
    open_package,
    write_package,
)
from core.retention import inventory, removal
from core.retention.removal import AlreadyRunning, only_one
from core.retention.rules import keep_packages


def write(root: Path, name: str, kind: str = "model", **spec: object) -> Package:
    return write_package(root, kind=kind, spec={"name": name, **spec}, arrays={"w": np.zeros(2)})


def take(root: Path, *shas: str) -> None:
    found = {one.sha: one for one in inventory.packages(root)}
    with taking_away(root):
        aside = removal.put_packages_aside(root, [(found[sha], "nothing needs it") for sha in shas], dropped_on="today")
    for one in aside:
        removal.delete(one)


def test_what_was_taken_says_when_and_why_and_nothing_of_it_is_left(tmp_path: Path) -> None:
    going, staying = write(tmp_path, "going"), write(tmp_path, "staying")
    claim(tmp_path, going.sha)
    take(tmp_path, going.sha)
    with pytest.raises(DroppedPackage, match=f"package {going.sha[:12]} was dropped on today: nothing needs it"):
        open_package(tmp_path, going.sha)
    assert isinstance(DroppedPackage("a" * 64, {}), MissingPackage)
    assert {path.name for path in tmp_path.glob("[!.]*")} == {staying.sha, "dropped"}
    assert list((tmp_path / ".claims").iterdir()) == []
    assert removal.dropped(tmp_path) == {going.sha}


def test_a_package_that_is_made_again_is_no_longer_a_dropped_one(tmp_path: Path) -> None:
    going = write(tmp_path, "going")
    take(tmp_path, going.sha)
    assert write(tmp_path, "going") == going
    assert removal.dropped(tmp_path) == set()
    removal.forget_records(tmp_path)
    assert list((tmp_path / "dropped").iterdir()) == []


def test_a_claim_covers_the_encoders_and_is_newer_than_the_package(tmp_path: Path) -> None:
    text = write(tmp_path, "text", "text-encoder")
    model = write(tmp_path, "model", encoders={"text": text.sha, "appearance": "code"})
    for one in (text, model):
        os.utime(one.path, (1.0, 1.0))
    claim(tmp_path, model.sha)
    found = {one.sha: one for one in inventory.packages(tmp_path)}
    assert found[text.sha].touched_at == claimed_at(tmp_path, text.sha) > 1.0
    assert found[model.sha].touched_at == claimed_at(tmp_path, model.sha) > 1.0
    assert (found[model.sha].encoders, found[model.sha].features) == ({text.sha}, {text.sha, "code"})
    assert (found[text.sha].is_model, found[model.sha].is_model) == (False, True)


def test_writing_a_package_that_is_there_claims_it(tmp_path: Path) -> None:
    package = write(tmp_path, "model")
    assert claimed_at(tmp_path, package.sha) == 0.0
    write(tmp_path, "model")
    assert claimed_at(tmp_path, package.sha) > 0.0


def test_a_claim_waits_until_what_goes_is_out_of_sight_and_then_says_so(tmp_path: Path) -> None:
    going = write(tmp_path, "going")
    answered: list[object] = []

    def ask() -> None:
        try:
            answered.append(claim(tmp_path, going.sha))
        except DroppedPackage as error:
            answered.append(error)

    asking = threading.Thread(target=ask)
    with taking_away(tmp_path):
        asking.start()
        found = inventory.packages(tmp_path)  # what it is decided on
        assert answered == []
        removal.put_packages_aside(tmp_path, [(one, "old") for one in found], dropped_on="today")
    asking.join()
    assert isinstance(answered[0], DroppedPackage)


def test_whoever_claims_first_is_seen_by_whoever_decides(tmp_path: Path) -> None:
    package = write(tmp_path, "model")
    os.utime(package.path, (1.0, 1.0))
    decided: list[float] = []

    def decide() -> None:
        with taking_away(tmp_path):
            decided.extend(one.touched_at for one in inventory.packages(tmp_path))

    deciding = threading.Thread(target=decide)
    with claiming(tmp_path):
        deciding.start()
        claims.mark(tmp_path, [package.sha])
        assert decided == []
    deciding.join()
    assert decided[0] > 1.0


def decide_and_take(root: Path, since: float) -> None:
    """As retention does, nothing being named."""
    with taking_away(root):
        found = inventory.packages(root)
        kept = keep_packages(found, {}, since=since)
        going = [(one, "old") for one in found if one.sha not in kept]
        aside = removal.put_packages_aside(root, going, dropped_on="today")
    for one in aside:
        removal.delete(one)


@pytest.mark.parametrize("need", ["train", "claim"])
def test_what_somebody_was_given_at_the_moment_of_a_removal_is_there_afterwards(tmp_path: Path, need: str) -> None:
    lost = given = 0
    for number in range(40):
        package = write(tmp_path, f"model {number}")
        os.utime(package.path, (1.0, 1.0))
        answered: list[Package] = []
        starting = threading.Barrier(2)

        def ask(number: int, sha: str, starting: threading.Barrier, answered: list[Package]) -> None:
            starting.wait()
            with suppress(DroppedPackage):
                answered.append(write(tmp_path, f"model {number}") if need == "train" else claim(tmp_path, sha))

        asking = threading.Thread(target=ask, args=(number, package.sha, starting, answered))
        asking.start()
        starting.wait()
        decide_and_take(tmp_path, since=2.0)
        asking.join()
        given += len(answered)
        for one in answered:
            try:
                open_package(tmp_path, one.sha)
            except MissingPackage:
                lost += 1
    assert lost == 0
    assert given == 40 or need == "claim"


def test_several_may_claim_at_once(tmp_path: Path) -> None:
    package = write(tmp_path, "model")
    with claiming(tmp_path):
        assert claim(tmp_path, package.sha).sha == package.sha


def test_a_package_that_is_nowhere_cannot_be_claimed(tmp_path: Path) -> None:
    for root in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(MissingPackage):
            claim(root, "a" * 64)
    assert list(tmp_path.iterdir()) == []


def test_where_packages_may_only_be_read_they_can_be_used_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = write(tmp_path, "model")

    def refuse(path: Path, **options: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert claim(tmp_path, package.sha).sha == package.sha


def test_only_one_process_tidies_at_a_time(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(AlreadyRunning), only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass


@contextmanager
def held(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    yield
    os.close(descriptor)


def test_halves_of_dead_writers_go_and_those_of_living_or_young_ones_stay(tmp_path: Path) -> None:
    old, alive, young, gone = (
        tmp_path / "deep" / f".x.{name}" for name in ("1.aside", "2.aside", "3.aside", "4.dropped")
    )
    for folder in (old, alive, young, gone):
        folder.mkdir(parents=True)
    file = tmp_path / ".file.5.aside"
    file.touch()
    for path in (old, alive, file):
        os.utime(path, (1.0, 1.0))
    with held(alive):
        assert set(removal.leftovers(tmp_path, since=2.0)) == {old, gone, file}


def test_a_folder_goes_under_another_name_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    monkeypatch.setattr(removal, "delete", lambda aside: None)
    removal.discard(tmp_path / "folder")
    removal.discard(tmp_path / "never there")
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".folder.")
    assert list(removal.leftovers(tmp_path, since=0.0)) == [left]


def test_the_record_names_what_it_freed(tmp_path: Path) -> None:
    going = write(tmp_path, "going")
    size = inventory.bytes_of(going.path)
    take(tmp_path, going.sha)
    record = json.loads((tmp_path / "dropped" / f"{going.sha}.json").read_text())
    assert record == {"sha": going.sha, "bytes": size, "dropped_on": "today", "reason": "nothing needs it"}
