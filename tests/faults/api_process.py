"""The real API as a process that can be started in a moment, killed, and waited for."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx

ROOT = Path(__file__).resolve().parents[2]
START_S = 60.0  # a busy machine; a quiet one takes less than a second
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "1"}


class ServiceDidNotStart(AssertionError):
    """It ended, or was not ready in time; its log says why."""


def free_port() -> int:
    """A port of the loopback interface that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
    """Forks services from one warm parent; use it in a ``with``, which ends them all."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery"],
            cwd=ROOT,
            env={**os.environ, **_ONE_THREAD},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self._ask(None) != "ready":
            raise ServiceDidNotStart("the nursery did not come up")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._process.communicate()  # closes its standard input, which ends it and with it every child

    def fork(self, environment: dict[str, str], log: Path) -> Running:
        """A service with exactly this environment."""
        return Running(int(self._ask({"environment": environment, "log": str(log)})))

    def _ask(self, order: dict[str, object] | None) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if order is not None:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        return self._process.stdout.readline().strip()


@dataclass
class Api:
    """Where one service runs: its settings, its port, its logs.

    Attributes:
        nursery: forks it.
        settings: ``DB_URL`` and the like.
        folder: for its logs.
        starts: how often it was started.
    """

    nursery: Nursery
    settings: dict[str, str]
    folder: Path
    starts: int = 0

    def __post_init__(self) -> None:
        self.port = free_port()
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What the newest process wrote."""
        return self.folder / f"api-{self.starts}.log"

    @property
    def points(self) -> Path:
        """The failpoints that the newest process came by."""
        return self.folder / f"points-{self.starts}.log"

    def start(self, failpoint: str = "", *, by_exec: bool = False) -> Running:
        """Start it (``by_exec``: as ``python -m api``, which takes seconds) without waiting until it is ready."""
        self.starts += 1
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        own = {"SERVING_PORT": str(self.port), "ETALON_FAILPOINT": failpoint, "ETALON_FAILPOINT_LOG": str(self.points)}
        environment = kept | _ONE_THREAD | self.settings | own
        if not by_exec:
            return self.nursery.fork(environment, self.log)
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "api"], cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        _ADOPTED.append(process)
        return Running(process.pid)

    def wait_until_ready(self, process: Running) -> bool:
        """Whether it serves a release; False if it was killed before it did.

        Raises:
            ServiceDidNotStart: it is not ready in time.
        """
        deadline = time.monotonic() + START_S
        with httpx.Client(base_url=self.url, timeout=5.0) as http:
            while not process.is_dead:
                with contextlib.suppress(httpx.TransportError):
                    if http.get("/readyz").status_code == 200:
                        return True
                if time.monotonic() > deadline:
                    raise ServiceDidNotStart(f"not ready after {START_S} s: {self.tail()}")
                process.wait(0.02)
        return False

    def reached(self) -> list[str]:
        """The failpoints that the newest process came by, in order."""
        return self.points.read_text(encoding="utf-8").split() if self.points.exists() else []

    def tail(self) -> str:
        """The end of the newest process's log."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-2000:] if self.log.exists() else "no log"

    def events(self) -> Iterator[dict[str, object]]:
        """The newest process's log lines that are JSON."""
        for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                yield json.loads(line)


_ADOPTED: list[subprocess.Popen[bytes]] = []  # kept, so that nobody warns about a child that was never waited for


def reap() -> None:
    """Take leave of the processes that were started by exec; they must be dead."""
    while _ADOPTED:
        _ADOPTED.pop().wait(timeout=30)
