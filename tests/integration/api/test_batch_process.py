"""The client's command against the real process: a batch that is killed goes on, and stages nothing twice."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.db.models import Prediction
from core.settings import DatabaseSettings
from tests.api.people import PASSWORD
from tests.api.service import Etalon
from tests.conftest import ROOT
from tests.integration.conftest import same_on_any_database

pytestmark = same_on_any_database

PRODUCTS = 600  # some seconds of work: enough to be killed within, however late a busy machine looks


@pytest.fixture
def etalon(tmp_path: Path, database: DatabaseSettings, photo: bytes) -> Iterator[Etalon]:
    with Etalon(tmp_path, database, photo) as place:
        yield place


@pytest.fixture
def catalogue(tmp_path: Path, photo: bytes) -> Path:
    """Products of which every tenth has a photo, and two are refused."""
    (tmp_path / "photo.jpg").write_bytes(photo)
    (tmp_path / "broken.jpg").write_bytes(photo[:90])
    rows = [[f"row-{n}", f"a book number {n}", "photo.jpg" if n % 10 == 0 else ""] for n in range(PRODUCTS)]
    rows[7][1], rows[11][2] = "\u200b", "broken.jpg"
    with (tmp_path / "products.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", "designation", "image"], *rows])
    return tmp_path / "products.csv"


def start(etalon: Etalon, username: str, catalogue: Path, results: Path) -> subprocess.Popen[str]:
    account = {"ETALON_URL": etalon.url, "ETALON_USER": username, "ETALON_PASSWORD": PASSWORD}
    command = [sys.executable, "-m", "client", "predict", "--from", str(catalogue), "--to", str(results)]
    return subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **account}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def lines_in(results: Path) -> int:
    return len(results.read_text(encoding="utf-8").splitlines()) - 1 if results.exists() else 0


def test_a_batch_that_is_killed_twice_goes_on_and_stages_nothing_twice(
    etalon: Etalon, catalogue: Path, tmp_path: Path
) -> None:
    results, username = tmp_path / "out.csv", etalon.hire("customer").username
    for number, enough in ((signal.SIGKILL, 5), (signal.SIGINT, 40)):
        batch = start(etalon, username, catalogue, results)
        while batch.poll() is None and lines_in(results) < enough:
            time.sleep(0.01)
        batch.send_signal(number)
        _, said = batch.communicate(timeout=60)
        assert batch.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL), said
        assert lines_in(results) < PRODUCTS
    batch = start(etalon, username, catalogue, results)
    told, said = batch.communicate(timeout=120)
    assert batch.returncode == 0, said
    summary = json.loads(told)
    assert summary["answered"] + summary["refused"] + summary["from_before"] == PRODUCTS
    assert summary["from_before"] >= 40

    with results.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["reference"] for row in rows] == [f"row-{number}" for number in range(PRODUCTS)]
    assert {row["reference"]: row["error"] for row in rows if row["error"]} == {
        "row-7": "request.invalid",
        "row-11": "image.undecodable",
    }
    staged = {row.id for row in etalon.rows(Prediction)}
    assert staged == {row["prediction_id"] for row in rows if not row["error"]}
