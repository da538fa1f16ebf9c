"""Every process of one system carries a mark in its environment, and so do the processes it starts.

A supervisor knows its own children only. The mark also finds a job whose scheduler was killed, or programs whose
supervisor was: nothing that a system started can outlive its stop. Reading marks needs ``/proc``; where there is
none (macOS), the supervisor's own stopping of process groups is all there is.
"""

import os
import signal
import threading
import time
from collections.abc import Collection
from pathlib import Path

MARK = "ETALON_STATE"
PROGRAM_MARK = "ETALON_PROGRAM"  # of a supervised program and of what it starts, besides MARK
_PROC = Path("/proc")


def marked(root: Path, program: str | None = None) -> list[int]:
    """Ids of the living processes that belong to the system whose state is in ``root``, without this one.

    Args:
        root: absolute path of the state.
        program: only the processes of this supervised program.
    """
    marks = {f"{MARK}={root}".encode()} | ({f"{PROGRAM_MARK}={program}".encode()} if program else set())
    return [pid for pid in _numbers() if pid != os.getpid() and marks <= _environment(pid) and is_alive(pid)]


def _numbers() -> list[int]:
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()] if _PROC.is_dir() else []


def _environment(pid: int) -> frozenset[bytes]:
    try:
        return frozenset((_PROC / str(pid) / "environ").read_bytes().split(b"\0"))
    except OSError:
        return frozenset()  # gone, or somebody else's


def is_alive(pid: int) -> bool:
    """Whether ``pid`` is running; a zombie that nobody has reaped yet is not."""
    if not _PROC.is_dir():
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return True
    try:
        status = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def wait_until_gone(pids: Collection[int], timeout_s: float) -> list[int]:
    """Those of ``pids`` that are still alive after ``timeout_s`` seconds."""
    deadline = time.monotonic() + timeout_s
    while (left := [pid for pid in pids if is_alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def end(pids: Collection[int], grace_s: float = 5.0) -> list[int]:
    """Ask ``pids`` to end, kill those that have not after ``grace_s`` seconds; returns those that survive that."""
    _signal(pids, signal.SIGTERM)
    stubborn = wait_until_gone(pids, grace_s)
    _signal(stubborn, signal.SIGKILL)
    return wait_until_gone(stubborn, 5.0)


def _signal(pids: Collection[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def memory_bytes(pids: Collection[int]) -> int:
    """Memory of ``pids`` together; a page that several share counts once (proportional set size)."""
    return sum(_proportional_set_kib(pid) for pid in pids) * 1024


def _proportional_set_kib(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


class MemoryWatch:
    """Samples the memory of a system and of this process while the ``with`` block runs.

    Attributes:
        peak_bytes: the largest sample; 0 where the system does not tell.
    """

    def __init__(self, root: Path, every_s: float = 2.0) -> None:
        self.peak_bytes = 0
        self._root = root
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="memory-watch", daemon=True)

    def __enter__(self) -> "MemoryWatch":
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(self._every_s):
            self.peak_bytes = max(self.peak_bytes, memory_bytes([os.getpid(), *marked(self._root)]))
