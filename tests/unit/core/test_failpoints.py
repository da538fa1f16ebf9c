import subprocess
import sys
from collections import Counter

import pytest

from core import failpoints
from core.failpoints import FailpointError, reach


@pytest.fixture(autouse=True)
def _nothing_reached_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failpoints, "_reached", Counter())


def test_a_failpoint_does_nothing_unless_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ETALON_FAILPOINT", raising=False)
    reach("here")
    monkeypatch.setenv("ETALON_FAILPOINT", "there:1:error")
    reach("here")


def test_it_acts_on_the_nth_visit_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETALON_FAILPOINT", "here:2:error")
    reach("here")
    with pytest.raises(FailpointError):
        reach("here")
    reach("here")


def test_kill_leaves_no_time_for_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETALON_FAILPOINT", "here:1:kill")
    code = "from core.failpoints import reach\ntry:\n    reach('here')\nfinally:\n    print('too late')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (-9, b"")


@pytest.mark.parametrize("wanted", ["here", "here:x:kill", "here:1:explode", "a:b:1:kill"])
def test_a_request_that_cannot_be_read_is_refused(monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    monkeypatch.setenv("ETALON_FAILPOINT", wanted)
    with pytest.raises(ValueError, match="Received"):
        reach("here")
