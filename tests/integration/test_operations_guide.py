"""The operations guide, acted out: its commands in its order on a small state of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.integration.ingest.shop import write_catalogue

Shell = Callable[[str], subprocess.CompletedProcess[str]]
GUIDE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def block_with(words: str) -> list[str]:
    """The commands of the guide's fenced block that holds ``words``, without their comments."""
    blocks = [block.partition("\n")[2] for block in GUIDE.split("```")[1::2]]
    (found,) = [block for block in blocks if words in block]
    return [command for line in found.splitlines() if (command := line.partition(" # ")[0].strip())]


def line_of(words: str, start: str) -> str:
    """The command of that block that begins with ``start``."""
    (found,) = [command for command in block_with(words) if command.startswith(start)]
    return found


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Runs a line of the guide; its folders are moved under ``tmp_path``, its state is ``tmp_path/up``."""
    # The environment that runs this test is the one that make would build.
    makeflags = "--old-file=.venv/.ready --no-print-directory"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    environment = clean | {"STATE": str(tmp_path / "up")}

    def run(line: str) -> subprocess.CompletedProcess[str]:
        moved = line.replace("/mnt/safe", str(tmp_path)).replace("data/var/restored", str(tmp_path / "restored"))
        moved = moved.replace("make ", f"make {makeflags} BIN={Path(sys.executable).parent} ")
        return subprocess.run(["bash", "-euc", moved], cwd=ROOT, env=environment, capture_output=True, text=True)

    return run


def result(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_state_is_backed_up_drilled_restored_and_checked(shell: Shell, tmp_path: Path) -> None:
    data = write_catalogue(tmp_path / "catalogue", products=6)
    assert result(shell(f"make import DATA={data}"))["rows"] == 6
    account = f"{sys.executable} -m local job --state $STATE -- api.accounts create --username reviewer --role reviewer"
    assert result(shell(f"echo 'long and nowhere listed 27' | {account}"))["role"] == "reviewer"

    assert result(shell(line_of("# beside the running system", "make backup ")))["rows"] > 6
    assert result(shell(line_of("# beside the running system", "make restore-drill ")))["violations"] == 0
    restore = line_of("STATE=data/var/restored", "make restore ")
    assert result(shell(restore))["violations"] == 0
    assert (tmp_path / "restored" / "etalon.db").exists()
    assert shell(restore).returncode != 0, "a restore overwrites nothing"

    assert result(shell("make fsck"))["violations"] == 0
    dry_run = shell(line_of("DRY_RUN=1", "make retract "))
    assert dry_run.returncode == 0, dry_run.stderr
    assert "0 labels would be withdrawn" in dry_run.stdout
    assert shell("make reset").returncode == 2, "it asks first"
    assert (tmp_path / "up" / "etalon.db").exists()
    assert shell("make reset SURE=1").returncode == 0
    assert not (tmp_path / "up").exists()


def test_the_signing_key_is_changed_as_the_guide_says(tmp_path: Path) -> None:
    (tmp_path / "auth.key").write_text("an old key of more than thirty-two bytes 27\n", encoding="utf-8")
    meanwhile = "test $(wc -l < auth.key) = 2"  # both keys verify
    lines = [line.replace("sleep 900", meanwhile) for line in block_with("cat - auth.key")]
    assert meanwhile in lines
    subprocess.run(["bash", "-euc", "\n".join(lines)], cwd=tmp_path, check=True)
    assert len((tmp_path / "auth.key").read_text(encoding="utf-8").splitlines()) == 1
    assert "an old key" not in (tmp_path / "auth.key").read_text(encoding="utf-8")
    assert (tmp_path / "auth.key").stat().st_mode & 0o077 == 0
