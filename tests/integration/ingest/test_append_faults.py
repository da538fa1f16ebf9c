"""The append stopped at every step, twice at once, or stalled: no row lost, none doubled, no hand needed."""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from core import failpoints
from core.db.models import Prediction, SegmentClaim
from core.db.repositories import judgements
from core.db.repositories.judgements import Judgement
from core.failpoints import FailpointError
from core.store.rows import decode_rows
from core.store.segments import CorruptSegment
from core.store.snapshot import Snapshot
from tests.integration.conftest import DATABASES
from tests.integration.ingest.desk import correct, retract, undone_work, validate_again
from tests.integration.ingest.shop import Shop, failpoint_names, photo

STEPS = [name for name in failpoint_names() if not name.startswith("import.")]
IN_THE_DATABASE = ("append.", "claim.")
# What happens to files is the same beside any database.
CASES = [(kind, step) for step in STEPS for kind in DATABASES if kind == "sqlite" or step.startswith(IN_THE_DATABASE)]
on_each_step = pytest.mark.parametrize(("database_kind", "step"), CASES, indirect=["database_kind"])


@dataclass
class Stage:
    """What the store must hold in the end: the code of every product that counts."""

    codes: dict[str, int]

    def add(self, shop: Shop, title: str) -> None:
        self.codes[shop.validated(title)] = 10


def stage(shop: Shop) -> Stage:
    """Three new products, and of two ingested ones the first corrected, the second retracted: all of it waits."""
    wrong, gone = shop.validated("Vase", image=photo(110)), shop.validated("Lampe", image=photo(111))
    shop.append("sunday")
    correct(shop, wrong, 40)
    retract(shop, gone)
    new = [shop.validated(f"Livre {number}", image=photo(100 + number)) for number in range(3)]
    return Stage({wrong: 40, **dict.fromkeys(new, 10)})


def assert_each_once(shop: Shop, expected: Stage) -> None:
    assert {one: row.prdtypecode for one, row in shop.rows().items()} == expected.codes
    assert shop.check() == []
    with shop.sessions() as session:
        unfinished = session.query(Prediction).filter(Prediction.status.not_in(("ingested", "retracted")))
        assert unfinished.count() == 0
        assert session.query(SegmentClaim).filter(SegmentClaim.ingested_at.is_(None)).count() == 0
    assert undone_work(shop) == 0
    rows = Snapshot.open(shop.store.training).rows
    assert len(rows) == 30 + len(expected.codes)
    assert decode_rows((shop.store.training / "training.csv").read_bytes(), "training.csv") == rows
    assert not list((shop.store.training / "segments").glob(".*"))


def test_the_append_has_a_failpoint_at_every_step() -> None:
    rooms = {name.partition(".")[0] for name in STEPS}
    assert rooms == {"append", "claim", "segment", "manifest", "once", "training_csv"}
    assert len(STEPS) >= 20


@on_each_step
def test_killed_at_any_step_the_next_run_brings_each_row_once(shop: Shop, step: str) -> None:
    expected = stage(shop)
    status, _, _ = shop.run("append", "--run-key", "monday", failpoint=f"{step}:1:kill")
    assert status == -signal.SIGKILL
    assert shop.check() == []
    shop.append("tuesday")
    assert_each_once(shop, expected)


@on_each_step
def test_failed_at_any_step_a_retry_of_the_same_run_brings_each_row_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    expected = stage(shop)
    monkeypatch.setattr(failpoints, "_reached", Counter())
    monkeypatch.setenv("ETALON_FAILPOINT", f"{step}:1:error")
    with pytest.raises(FailpointError):
        shop.append("monday")
    assert shop.check() == []
    expected.add(shop, "Livre tardif")
    assert shop.append("monday") is not None
    shop.append("tuesday")
    assert_each_once(shop, expected)


def test_two_runs_at_once_bring_each_row_once(shop: Shop) -> None:
    expected = stage(shop)
    runs = [shop.start("append", "--run-key", f"run {number}") for number in range(3)]
    outcomes = [(run.communicate(timeout=60), run.returncode) for run in runs]
    assert {status for _, status in outcomes} <= {0, 99}, outcomes
    assert_each_once(shop, expected)


def test_a_stalled_run_that_wakes_up_adds_nothing(shop: Shop) -> None:
    expected = stage(shop)
    for step in ("append.claimed", "segment.written", "manifest.built", "training_csv.begun"):
        with stalled(shop, step):
            shop.append(f"after {step}")
            expected.add(shop, f"Arrivé après {step}")
            assert shop.append(f"new after {step}") is not None
        assert_each_once(shop, expected)
        expected.add(shop, f"Avant le suivant {step}")
    shop.append("last")
    assert_each_once(shop, expected)


def test_a_stalled_run_that_wakes_up_retracts_nothing_twice_and_nothing_new(shop: Shop) -> None:
    expected = stage(shop)
    shop.append("monday")
    for step in ("append.claimed", "manifest.built", "append.published"):
        wrong = next(one for one, code in expected.codes.items() if code == 10)
        retract(shop, wrong)
        with stalled(shop, step):
            shop.append(f"after {step}")
            validate_again(shop, wrong, 2583)
            assert shop.append(f"new after {step}") is not None
        expected.codes[wrong] = 2583
        assert_each_once(shop, expected)


@contextmanager
def stalled(shop: Shop, step: str) -> Iterator[None]:
    """A run that stands still at ``step`` for the length of the block, and then ends as if nothing had been."""
    run = shop.start("append", "--run-key", f"stalled at {step}", failpoint=f"{step}:1:stop")
    os.waitpid(run.pid, os.WUNTRACED)
    yield
    os.kill(run.pid, signal.SIGCONT)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 0, err
    done = json.loads(out.splitlines()[-1])
    assert done["rows"] + done["retractions"] > 0


def test_a_killed_run_leaves_its_half_written_folder_to_be_swept(shop: Shop) -> None:
    stage(shop)
    shop.run("append", "--run-key", "monday", failpoint="segment.row:2:kill")
    assert len(list((shop.store.training / "segments").glob(".*"))) == 1
    shop.append("monday")
    assert not list((shop.store.training / "segments").glob(".*"))


def test_a_published_segment_that_was_damaged_is_refused(shop: Shop) -> None:
    stage(shop)
    shop.append()
    path = shop.store.training / "segments" / "000002" / "products.csv"
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(CorruptSegment, match=r"000002/products\.csv"):
        Snapshot.open(shop.store.training)
    status, out, _ = shop.run("fsck")
    assert status == 1
    assert "I5  segment 000002 products.csv" in out
    assert json.loads(out.splitlines()[-1])["violations"] == 1


def test_the_command_says_what_it_appended_and_when_there_is_nothing(shop: Shop) -> None:
    stage(shop)
    status, out, _ = shop.run("append", "--run-key", "monday")
    assert (status, json.loads(out)) == (0, {"segment": "000002", "rows": 4, "manifest": 3, "retractions": 2})
    with shop.sessions.begin() as session:
        said = Judgement(3, "refuse", 1, None, "run", 0.6, 0.7, {})
        judgements.record(session, package="a" * 64, judgement=said, gated=True)
    status, out, _ = shop.run("append", "--run-key", "tuesday", "--if-due")
    assert (status, json.loads(out)) == (99, {"segment": None, "rows": 0, "retractions": 0, "manifest": 3})
    assert shop.run("fsck", "--full")[:2] == (0, '{"violations": 0, "manifest": 3}\n')


def test_a_run_trains_again_on_a_batch_that_was_never_judged(shop: Shop) -> None:
    assert shop.run("append", "--run-key", "sunday", "--if-due")[0] == 99  # a base import alone is not a batch
    stage(shop)
    assert shop.run("append", "--run-key", "monday")[0] == 0  # and its training fails
    status, out, _ = shop.run("append", "--run-key", "tuesday", "--if-due")
    assert (status, json.loads(out)) == (0, {"segment": None, "rows": 0, "retractions": 0, "manifest": 3})
    assert shop.run("append", "--run-key", "by hand")[0] == 99
    assert shop.check() == []


def test_a_photo_lost_after_the_claim_is_a_failure_with_a_clear_message(shop: Shop) -> None:
    stage(shop)
    shop.run("append", "--run-key", "monday", failpoint="append.claimed:1:kill")
    for path in Path(shop.store.images).iterdir():
        path.unlink()
    status, out, err = shop.run("append", "--run-key", "monday")
    assert (status, out) == (1, "")
    assert "append refused (ingest.lost_photo): product 0" in err
