# ruff: noqa: T201 - what it prints is its answer
"""A warm process that forks the product's commands: everything is imported, nothing is started.

Run as ``python -m tests.faults.nursery MODULE [PRELOAD ...]``. Each line on standard input says what ``python -m
MODULE`` is started with, ``{"arguments": […], "environment": {…}, "log": path, "prepare": module or null}``, and is
answered with the child's id. ``prepare`` names a flawed version from ``mutants`` that the child becomes first. A child
lives in a session of its own and dies with the nursery, which ends when its standard input does.
"""

import ctypes
import importlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import core.retraction.reviewer

_PR_SET_PDEATHSIG = 1
_CHUNK = 3  # labels taken back in one transaction: so few that a person's take several


def main(module: str, *preload: str) -> None:
    """Fork ``module``'s main for every line until there are no more."""
    for name in preload:
        importlib.import_module(name)
    command: Callable[[], int | None] = importlib.import_module(module).main
    core.retraction.reviewer.CHUNK = _CHUNK
    _refuse_threads()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are reaped by the kernel; who waits holds a pidfd
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(command, order)
        print(pid, flush=True)


def _refuse_threads() -> None:
    """A fork carries one thread over: no other may hold a lock. Pools that wait for their first work hold none."""
    busy = [thread for thread in threading.enumerate() if not thread.name.startswith(("MainThread", "ThreadPool"))]
    assert not busy, f"importing started {busy}"


def _become(command: Callable[[], int | None], order: dict[str, Any]) -> None:
    """The child's whole life: it must never return into the parent's code."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    output = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, output), (2, output)):
        os.dup2(source, target)
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.argv = ["command", *order["arguments"]]
    status = 1
    try:
        with ExitStack() as flaws:
            if order["prepare"]:
                flaws.enter_context(importlib.import_module(order["prepare"]).applied())
            status = command() or 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
        print(ended.code, file=sys.stderr)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main(*sys.argv[1:])
