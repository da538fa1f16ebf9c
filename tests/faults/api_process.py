"""The real API as a process that can be started in a moment, killed, and waited for."""

import contextlib
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.faults.running import ROOT, DidNotStart, Nursery, Running, small_environment

START_S = 60.0  # a busy machine; a quiet one takes less than a second


def warm_nursery() -> Nursery:
    """A nursery of services. OpenVINO is left to them: it would start threads."""
    return Nursery(
        "api.__main__", "preprocessing.images", "scipy.sparse", "skimage.feature", "sklearn.feature_extraction.text"
    )


def free_port() -> int:
    """A port of the loopback interface that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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

    def start(self, failpoint: str = "", *, by_exec: bool = False, prepare: str | None = None) -> Running:
        """Start it (``by_exec``: as ``python -m api``, which takes seconds) without waiting until it is ready.

        ``prepare`` names a flawed version that it becomes first.
        """
        self.starts += 1
        own = {"SERVING_PORT": str(self.port), "ETALON_FAILPOINT": failpoint, "ETALON_FAILPOINT_LOG": str(self.points)}
        own["AUTH_REQUESTS_PER_MINUTE"] = "10000000"  # a few people do what many would
        environment = small_environment(self.settings, own)
        if not by_exec:
            return self.nursery.fork(environment, self.log, prepare=prepare)
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "api"], cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        _ADOPTED.append(process)
        return Running(process.pid)

    def wait_until_ready(self, process: Running) -> bool:
        """Whether it serves a release; False if it was killed before it did.

        Raises:
            DidNotStart: it is not ready in time.
        """
        deadline = time.monotonic() + START_S
        with httpx.Client(base_url=self.url, timeout=5.0) as http:
            while not process.is_dead:
                with contextlib.suppress(httpx.TransportError):
                    if http.get("/readyz").status_code == 200:
                        return True
                if time.monotonic() > deadline:
                    raise DidNotStart(f"not ready after {START_S} s: {self.tail()}")
                process.wait(0.02)
        return False

    def reached(self) -> list[str]:
        """The failpoints that the newest process came by, in order."""
        return self.points.read_text(encoding="utf-8").split() if self.points.exists() else []

    def tail(self) -> str:
        """The end of the newest process's log."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-2000:] if self.log.exists() else "no log"


_ADOPTED: list[subprocess.Popen[bytes]] = []  # kept, so that nobody warns about a child that was never waited for


def reap() -> list[int]:
    """Take leave of the processes that were started by exec, which must be dead; their exit statuses."""
    statuses = []
    while _ADOPTED:
        statuses.append(_ADOPTED.pop().wait(timeout=30))
    return statuses
