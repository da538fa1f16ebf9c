import errno
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from core import failpoints
from core.failpoints import FailpointError, reach


@pytest.fixture(autouse=True)
def _nothing_reached_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failpoints, "_reached", Counter())


def test_a_failpoint_does_nothing_unless_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ETALON_FAILPOINT", raising=False)
    reach("file.written")
    monkeypatch.setenv("ETALON_FAILPOINT", "file.renamed:1:error")
    reach("file.written")


def test_it_acts_on_the_nth_visit_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETALON_FAILPOINT", "file.written:2:error")
    reach("file.written")
    with pytest.raises(FailpointError):
        reach("file.written")
    reach("file.written")


def test_kill_leaves_no_time_for_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETALON_FAILPOINT", "file.written:1:kill")
    code = "from core.failpoints import reach\ntry:\n    reach('file.written')\nfinally:\n    print('too late')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (-9, b"")


@pytest.mark.parametrize("wanted", ["file.written", "file.written:x:kill", "file.written:1:explode", "a:b:1:kill"])
def test_a_request_that_cannot_be_read_is_refused(monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    monkeypatch.setenv("ETALON_FAILPOINT", wanted)
    with pytest.raises(ValueError, match="Received"):
        reach("file.written")


def test_a_place_that_is_not_listed_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETALON_FAILPOINT", "file.written:1:error")
    with pytest.raises(ValueError, match="nowhere"):
        reach("nowhere")


def test_a_full_disk_is_said_as_the_system_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETALON_FAILPOINT", "file.written:1:full")
    with pytest.raises(OSError, match="No space left") as raised:
        reach("file.written")
    assert raised.value.errno == errno.ENOSPC


def test_torn_writes_half_and_dies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ETALON_FAILPOINT", "file.written:1:torn")
    half = tmp_path / "half"
    code = "import pathlib, sys, core.failpoints as f; f.reach('file.written', tear=pathlib.Path(sys.argv[1]).touch)"
    assert subprocess.run([sys.executable, "-c", code, str(half)], check=False).returncode == -signal.SIGKILL
    assert half.exists()


def test_what_is_reached_can_be_noted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ETALON_FAILPOINT_LOG", str(tmp_path / "log"))
    reach("file.written")
    reach("file.renamed")
    assert (tmp_path / "log").read_text().split() == ["file.written", "file.renamed"]
