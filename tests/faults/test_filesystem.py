"""The short campaign of failing disks, and that the failing disk of the tests is one."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import filesystem
from tests.faults.campaign import Plan, Progress, Tally
from tests.faults.disk_faults import KINDS, failing_disk


def test_on_a_failing_disk_the_append_fails_loudly_and_the_next_one_completes(
    run: Callable[[Callable[[Plan, Progress], Tally]], Tally],
) -> None:
    tally = run(filesystem.run)
    assert not tally.violations, "\n".join(tally.violations)
    assert not tally.failed, tally.harm
    assert tally.faults >= 30


def test_a_full_disk_takes_half_of_a_write_and_stays_full(tmp_path: Path) -> None:
    with failing_disk(KINDS["a full disk"], 2, tmp_path, tmp_path.with_suffix(".calls")):
        with (tmp_path / "file").open("wb") as file, pytest.raises(OSError, match="No space left"):
            file.write(b"12345678")
        with pytest.raises(OSError, match="No space left"):
            (tmp_path / "another").open("wb")
    assert (tmp_path / "file").read_bytes() == b"1234"


def test_a_flush_tried_again_after_it_failed_is_noticed(tmp_path: Path) -> None:
    report = tmp_path.with_suffix(".calls")
    path = tmp_path / "file"
    with failing_disk(KINDS["a failed flush"], 1, tmp_path, report), path.open("wb") as file:
        with pytest.raises(OSError, match="Input/output error"):
            os.fsync(file.fileno())
        os.fsync(file.fileno())
    assert report.read_text(encoding="utf-8").split("\n") == ["2", str(path)]
