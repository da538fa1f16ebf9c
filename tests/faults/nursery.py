# ruff: noqa: T201 - what it prints is its answer
"""A warm process that forks services: everything is imported, nothing is started, so a child serves in a moment.

Run as ``python -m tests.faults.nursery``. Each line on standard input is ``{"environment": {…}, "log": path}`` and is
answered with the child's id. The child is what ``python -m api`` is: it lives in a session of its own and dies with
the nursery, which ends when its standard input does.
"""

import ctypes
import json
import os
import signal
import sys
import threading
from pathlib import Path

import scipy.sparse  # noqa: F401 - the child's model loader finds these imported; OpenVINO would start threads
import skimage.feature  # noqa: F401
import sklearn.feature_extraction.text  # noqa: F401

import core.retraction.reviewer
from api.__main__ import main as serve

_PR_SET_PDEATHSIG = 1
_CHUNK = 3  # labels taken back in one transaction: so few that a person's take several


def main() -> None:
    """Fork a service for every line until there are no more."""
    core.retraction.reviewer.CHUNK = _CHUNK
    assert threading.active_count() == 1, "a fork carries one thread over: no other may hold a lock"
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are reaped by the kernel; who waits holds a pidfd
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become_service(order["environment"], Path(order["log"]))
        print(pid, flush=True)


def _become_service(environment: dict[str, str], log: Path) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, output), (2, output)):
        os.dup2(source, target)
    os.environ.clear()
    os.environ.update(environment)
    status = 1
    try:
        serve()
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
        print(ended.code, file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
