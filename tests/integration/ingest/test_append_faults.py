"""The append stopped at every step, twice at once, or stalled: no row lost, none doubled, no hand needed."""

import json
import os
import signal
from collections import Counter
from pathlib import Path

import pytest

from core import failpoints
from core.db.models import Prediction, SegmentClaim
from core.failpoints import FailpointError
from core.store.segments import CorruptSegment
from core.store.snapshot import Snapshot
from tests.integration.ingest.shop import Shop, failpoint_names, photo

STEPS = [name for name in failpoint_names() if not name.startswith("import.")]


def stage(shop: Shop) -> set[str]:
    return {shop.validated(f"Livre {number}", image=photo(100 + number)) for number in range(3)}


def assert_each_once(shop: Shop, expected: set[str]) -> None:
    assert set(shop.rows()) == expected
    assert shop.check() == []
    with shop.sessions() as session:
        assert session.query(Prediction).filter(Prediction.status != "ingested").count() == 0
        assert session.query(SegmentClaim).filter(SegmentClaim.ingested_at.is_(None)).count() == 0
    assert len(Snapshot.open(shop.store.training).rows) == 30 + len(expected)
    assert not list((shop.store.training / "segments").glob(".*"))


def test_the_append_has_a_failpoint_at_every_step() -> None:
    rooms = {name.partition(".")[0] for name in STEPS}
    assert rooms == {"append", "segment", "manifest", "once", "training_csv"}
    assert len(STEPS) >= 10


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_the_next_run_brings_each_row_once(shop: Shop, step: str) -> None:
    ids = stage(shop)
    status, _, _ = shop.run("append", "--run-key", "monday", failpoint=f"{step}:1:kill")
    assert status == -signal.SIGKILL
    assert shop.check() == []
    shop.append("tuesday")
    assert_each_once(shop, ids)
    assert (shop.store.training / "training.csv").read_bytes().count(b"\n") == 34


@pytest.mark.parametrize("step", STEPS)
def test_failed_at_any_step_a_retry_of_the_same_run_brings_each_row_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    ids = stage(shop)
    monkeypatch.setattr(failpoints, "_reached", Counter())
    monkeypatch.setenv("ETALON_FAILPOINT", f"{step}:1:error")
    with pytest.raises(FailpointError):
        shop.append("monday")
    assert shop.check() == []
    later = shop.validated("Livre tardif")
    assert shop.append("monday") is not None
    shop.append("tuesday")
    assert_each_once(shop, ids | {later})


def test_two_runs_at_once_bring_each_row_once(shop: Shop) -> None:
    ids = stage(shop)
    runs = [shop.start("append", "--run-key", f"run {number}") for number in range(3)]
    outcomes = [(run.communicate(timeout=60), run.returncode) for run in runs]
    assert {status for _, status in outcomes} <= {0, 99}, outcomes
    assert_each_once(shop, ids)


def test_a_stalled_run_that_wakes_up_adds_nothing(shop: Shop) -> None:
    ids = stage(shop)
    for step in ("append.claimed", "segment.written", "manifest.built"):
        stalled = shop.start("append", "--run-key", f"stalled at {step}", failpoint=f"{step}:1:stop")
        os.waitpid(stalled.pid, os.WUNTRACED)
        assert shop.append(f"after {step}") is not None
        ids.add(shop.validated(f"Arrivé après {step}"))
        assert shop.append(f"new after {step}") is not None
        os.kill(stalled.pid, signal.SIGCONT)
        out, err = stalled.communicate(timeout=60)
        assert stalled.returncode == 0, err
        assert json.loads(out.splitlines()[-1])["rows"] > 0
        assert_each_once(shop, ids)
        ids.add(shop.validated(f"Avant le suivant {step}"))
    shop.append("last")
    assert_each_once(shop, ids)


def test_a_killed_run_leaves_its_half_written_folder_to_be_swept(shop: Shop) -> None:
    stage(shop)
    shop.run("append", "--run-key", "monday", failpoint="segment.row:2:kill")
    assert len(list((shop.store.training / "segments").glob(".*"))) == 1
    shop.append("monday")
    assert not list((shop.store.training / "segments").glob(".*"))


def test_a_published_segment_that_was_damaged_is_refused(shop: Shop) -> None:
    stage(shop)
    shop.append()
    path = shop.store.training / "segments" / "000001" / "products.csv"
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(CorruptSegment, match=r"000001/products\.csv"):
        Snapshot.open(shop.store.training)
    status, out, _ = shop.run("fsck")
    assert status == 1
    assert "I5  segment 000001 products.csv" in out
    assert json.loads(out.splitlines()[-1])["violations"] == 1


def test_the_command_says_what_it_appended_and_when_there_is_nothing(shop: Shop) -> None:
    stage(shop)
    status, out, _ = shop.run("append", "--run-key", "monday")
    assert (status, json.loads(out)) == (0, {"segment": "000001", "rows": 3, "manifest": 2})
    status, out, _ = shop.run("append", "--run-key", "tuesday", "--if-due")
    assert (status, json.loads(out)) == (99, {"segment": None, "rows": 0, "manifest": 2})
    assert shop.run("fsck", "--full")[:2] == (0, '{"violations": 0, "manifest": 2}\n')


def test_a_lost_photo_is_a_failure_with_a_clear_message(shop: Shop) -> None:
    stage(shop)
    for path in Path(shop.store.images).iterdir():
        path.unlink()
    status, out, err = shop.run("append", "--run-key", "monday")
    assert (status, out) == (1, "")
    assert "append refused (ingest.lost_photo): product 0" in err
