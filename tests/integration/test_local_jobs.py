"""``make import`` and other jobs by hand, on a state that no system was ever started in."""

import json
import os
import subprocess
import sys
from pathlib import Path

from local.state import PROJECT
from tests.integration.ingest.shop import write_catalogue


def job(state: Path, *command: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "local", "job", "--state", str(state), "--", *command]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DB_", "STORE_"))}
    return subprocess.run(line, cwd=PROJECT, env=clean, capture_output=True, text=True, check=False)


def test_an_import_begins_a_system_and_nothing_else_does(tmp_path: Path) -> None:
    state = tmp_path / "state"
    refused = job(state, "training.jobs", "train")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "begin one with: make import DATA=folder, or make up" in refused.stderr
    data = write_catalogue(tmp_path / "catalogue", products=6)
    imported = job(state, "preprocessing.ingest", "import", "--data", str(data))
    assert imported.returncode == 0, imported.stderr
    assert json.loads(imported.stdout.splitlines()[-1])["rows"] == 6
    again = job(state, "preprocessing.ingest", "import", "--data", str(data))
    assert json.loads(again.stdout.splitlines()[-1])["already_there"] is True
