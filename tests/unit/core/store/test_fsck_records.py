"""Stuck work, a ledger with a gap, packages that are not whole and an audit that was changed are found."""

from pathlib import Path

import numpy as np

from core.domain.consistency import Answered, Release, Sealed, Staging
from core.errors import NotFound
from core.registry.packages import dropped_path, write_package
from core.store import fsck
from core.store.fsck import Lease
from tests.unit.core.store.store_samples import batch, staged, work

A, B = "a" * 64, "b" * 64


def found(folder: Path, staging: Staging, **options: object) -> list[str]:
    return [str(one) for one in fsck.check(folder / "training", read_staging=lambda: staging, **options)]


def releases(*models: dict[str, str]) -> tuple[Release, ...]:
    before = [{}, *models]
    return tuple(Release(epoch, now, before[epoch - 1]) for epoch, now in enumerate(models, start=1))


def test_a_claim_older_than_its_lease_breaks_i7(tmp_path: Path) -> None:
    stuck = Staging({}, (batch(1, 0, manifest=None, age_s=3700), batch(2, 0, manifest=None, age_s=10)))
    (line,) = found(tmp_path, stuck)
    assert line.startswith("I7  segment claim 1: its 0 rows and 0 retractions were claimed over 3600 s ago")
    assert found(tmp_path, stuck, lease=Lease(claim_s=5000)) == []


def test_work_that_nobody_takes_breaks_i7(tmp_path: Path) -> None:
    waiting = staged("validated", 2, "validate", work("append", 2, age_s=100.0))
    rejected = staged("rejected", 2, "reject", work("archive", 2, age_s=200.0))
    staging = Staging({"p1": waiting, "p2": rejected})
    assert found(tmp_path, staging) == []
    (line,) = found(tmp_path, staging, lease=Lease(waiting_s=90))
    assert line == "I7  prediction p1: its append of version 2 has waited over 90 s"
    (line,) = found(tmp_path, staging, lease=Lease(archive_s=150))
    assert line == "I7  prediction p2: its archive of version 2 has waited over 150 s"


def test_an_archiving_that_was_claimed_and_never_done_breaks_i7(tmp_path: Path) -> None:
    claimed = staged("rejected", 2, "reject", work("archive", 2, segment=0, done=False, age_s=200.0))
    (line,) = found(tmp_path, Staging({"p": claimed}), lease=Lease(archive_s=150))
    assert line == "I7  prediction p: its archive of version 2 has waited over 150 s"


def test_a_waiting_row_whose_photo_is_missing_or_damaged_breaks_i7(tmp_path: Path) -> None:
    waiting = staged("validated", 2, "validate", work("append", 2), image_sha256=A)
    done = staged("retracted", 3, "retract", image_sha256=B)
    staging = Staging({"p1": waiting, "p2": done})
    stored = {A}

    def see(sha: str) -> None:
        if sha not in stored:
            raise NotFound(f"no photo {sha}")

    assert found(tmp_path, staging, see_photo=see) == []
    stored.clear()
    (line,) = found(tmp_path, staging, see_photo=see)
    assert line == f"I7  prediction p1: its append cannot be done: no photo {A}"


def test_a_sound_ledger_breaks_nothing(tmp_path: Path) -> None:
    ledger = releases({"fusion": A}, {"fusion": B}, {"fusion": A})
    answered = (Answered(1, "fusion", A), Answered(2, "fusion", B))
    assert found(tmp_path, Staging({}, releases=ledger, answered=answered)) == []


def test_a_missing_epoch_breaks_i6(tmp_path: Path) -> None:
    first, second, third = releases({"fusion": A}, {"fusion": B}, {"fusion": A})
    assert "I6  ledger epoch 3: epoch 2 is missing" in found(tmp_path, Staging({}, releases=(first, third)))
    assert "I6  ledger epoch 2: epoch 1 is missing" in found(tmp_path, Staging({}, releases=(second, third)))


def test_an_epoch_that_forgets_what_came_before_breaks_i6(tmp_path: Path) -> None:
    first, _ = releases({"fusion": A}, {"fusion": B})
    (line,) = found(tmp_path, Staging({}, releases=(first, Release(2, {"fusion": B}, {"fusion": B}))))
    assert line == "I6  ledger epoch 2: what it says came before is not what epoch 1 served"


def test_a_first_epoch_after_another_breaks_i6(tmp_path: Path) -> None:
    (line,) = found(tmp_path, Staging({}, releases=(Release(1, {"fusion": A}, {"fusion": B}),)))
    assert line == "I6  ledger epoch 1: something came before the first"


def test_an_answer_of_a_model_that_was_not_released_breaks_i6(tmp_path: Path) -> None:
    staging = Staging({}, releases=releases({"fusion": A}), answered=(Answered(1, "fusion", B),))
    (line,) = found(tmp_path, staging)
    assert line == f"I6  ledger epoch 1: predictions were answered by fusion {B}, which it did not serve"


def test_a_released_package_and_its_encoders_are_whole(tmp_path: Path) -> None:
    def package(kind: str, spec: dict[str, object]) -> str:
        return write_package(tmp_path / "packages", kind=kind, spec=spec, arrays={"w": np.zeros(2)}).sha

    text, image = package("text-encoder", {"name": "t"}), package("image-encoder", {"name": "i"})
    model = package("model", {"encoders": {"text": text, "image": image, "appearance": A}})
    staging = Staging({}, releases=releases({"fusion": model}))
    options = {"packages": tmp_path / "packages"}
    assert found(tmp_path, staging, full=True, **options) == []
    arrays = tmp_path / "packages" / image / "arrays.safetensors"
    arrays.write_bytes(arrays.read_bytes()[:-1] + b"\x01")
    assert found(tmp_path, staging, **options) == []
    (line,) = found(tmp_path, staging, full=True, **options)
    assert line == f"I6  {tmp_path / 'packages' / image}: package {image} is corrupt: arrays.safetensors has changed"
    arrays.unlink()
    assert len(found(tmp_path, staging, **options)) == 1


def test_a_released_package_that_is_not_there_breaks_i6(tmp_path: Path) -> None:
    (line,) = found(tmp_path, Staging({}, releases=releases({"fusion": A})), packages=tmp_path / "packages")
    assert line == f"I6  {tmp_path / 'packages' / A}: there is no package '{A}'"


def test_an_old_package_may_have_been_dropped_and_what_is_served_or_came_before_may_not(tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    served = write_package(packages, kind="model", spec={"name": "served"}, arrays={"w": np.zeros(2)}).sha
    record = dropped_path(packages, A)
    record.parent.mkdir()
    record.write_text('{"dropped_on": "2026-11-22", "reason": "old"}')
    old = Staging({}, releases=releases({"fusion": A}, {"fusion": served}, {"fusion": served}))
    assert found(tmp_path, old, packages=packages) == []
    before = Staging({}, releases=releases({"fusion": A}, {"fusion": served}))
    (line,) = found(tmp_path, before, packages=packages)
    assert line == f"I6  {packages / A}: package {A[:12]} was dropped on 2026-11-22: old"


def test_an_audit_that_was_changed_breaks_i9(tmp_path: Path) -> None:
    whole = (Sealed(1, 5, A, 5, A), Sealed(2, 3, B, 3, None))
    assert found(tmp_path, Staging({}, seals=whole)) == []
    broken = (Sealed(1, 5, A, 5, B), Sealed(2, 3, B, 2, A), Sealed(3, 0, "", 1, None))
    assert found(tmp_path, Staging({}, seals=broken)) == [
        "I9  audit seal 1: its rows are not those that were sealed",
        "I9  audit seal 2: 3 rows were sealed, 2 are left",
        "I9  audit seal 3: 1 rows carry its number, and it was never sealed",
    ]
    assert found(tmp_path, Staging({}, seals=whole[1:])) == ["I9  audit seal 2: seal 1 is missing"]
