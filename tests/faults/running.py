"""Processes of the product that campaigns start, signal and wait for."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[2]
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "1"}


class DidNotStart(AssertionError):
    """A process ended, or was not ready in time; the message says what it wrote."""


class Running:
    """One living (or dead) process, ours to kill; a pidfd cannot name another process that got the same id."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        try:
            self._handle: int | None = os.pidfd_open(pid)
        except ProcessLookupError:  # it is gone already
            self._handle = None

    @property
    def is_dead(self) -> bool:
        """Whether it has ended."""
        return self.wait(0.0)

    def wait(self, timeout_s: float) -> bool:
        """Whether it has ended within ``timeout_s`` seconds."""
        if self._handle is None:
            return True
        ended, _, _ = select.select([self._handle], [], [], timeout_s)
        if ended:
            os.close(self._handle)
            self._handle = None
        return bool(ended)

    def send(self, number: signal.Signals) -> None:
        """Signal it, if it is still there."""
        if self._handle is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.send(signal.SIGKILL)
        if not self.wait(30.0):
            raise AssertionError(f"process {self.pid} survived SIGKILL")


class Nursery:
    """Forks commands of one module from a warm parent; use it in a ``with``, which ends them all.

    Args:
        module: ``python -m`` of it is what is forked.
        preload: what else the children find imported.
    """

    def __init__(self, module: str, *preload: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery", module, *preload],
            cwd=ROOT,
            env={**os.environ, **ONE_THREAD},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self._ask(None) != "ready":
            raise DidNotStart(f"the nursery of {module} did not come up")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._process.communicate()  # closes its standard input, which ends it and with it every child

    def fork(
        self, environment: dict[str, str], log: Path, arguments: tuple[str, ...] = (), prepare: str | None = None
    ) -> Running:
        """A child with exactly this environment, its output at the end of ``log``."""
        order = {"environment": environment, "log": str(log), "arguments": arguments, "prepare": prepare}
        return Running(int(self._ask(order)))

    def _ask(self, order: dict[str, object] | None) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if order is not None:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        return self._process.stdout.readline().strip()


def small_environment(*settings: dict[str, str]) -> dict[str, str]:
    """What a child needs of ours, and ``settings``."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    for one in (ONE_THREAD, *settings):
        kept |= one
    return kept
