"""The short campaign of damaged files, and that damaging a file changes it."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import corruption
from tests.faults.campaign import Plan, Progress, Tally
from tests.faults.corruption import DAMAGES, KINDS, damage


def test_a_damaged_file_is_named_refused_and_never_trained_on_or_served(
    run: Callable[[Callable[[Plan, Progress], Tally]], Tally],
) -> None:
    tally = run(corruption.run)
    assert not tally.violations, "\n".join(tally.violations)
    assert not tally.failed, tally.harm
    assert tally.faults == len(KINDS) * len(DAMAGES)


@pytest.mark.parametrize("how", DAMAGES)
def test_every_damage_changes_the_file(tmp_path: Path, how: str) -> None:
    path = tmp_path / "file"
    for seed in range(20):
        path.write_bytes(b"0123456789")
        damage(path, how, random.Random(seed))
        assert not path.exists() or path.read_bytes() != b"0123456789"
