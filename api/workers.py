"""Several processes on one socket: started, replaced when one dies, stopped together.

The socket is made once and inherited, so a connection that no worker has accepted yet outlives any of them. Each
worker is a ``python -m api`` of its own: nothing is forked that has threads.
"""

import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass

from api.metrics.instruments import WORKERS_FOLDER
from api.metrics.listener import forget_worker, listener_of_workers
from api.server import listen
from api.settings import ServiceSettings

_log = logging.getLogger(__name__)

_LOOK_S = 0.1
_YOUNG_S = 30.0  # who dies younger than this is replaced later and later
_LONGEST_PAUSE_S = 10.0
_STOP_S = 60.0  # more than a worker needs to end patiently


class WorkersFailed(Exception):
    """A worker could not start: a setting, the database or the port is wrong, and would be for the next one too."""


def run_workers(settings: ServiceSettings) -> None:
    """Run ``SERVING_WORKERS`` workers until SIGTERM or SIGINT, then let them end.

    Raises:
        OSError: the address is taken, or not ours.
        WorkersFailed: none of the first workers could start.
    """
    with ExitStack() as open_things:
        folder = open_things.enter_context(tempfile.TemporaryDirectory(prefix="etalon-workers-"))
        figures = listener_of_workers(settings, folder)
        if figures is not None:
            figures.start()
            open_things.callback(figures.stop)
        listener = open_things.enter_context(listen(settings.serving.host, settings.serving.port))
        Workers(listener, settings.serving.workers, folder).run()


@dataclass
class _Post:
    """One worker's post: who stands on it now, since when, and how long the next waits to take it over."""

    process: subprocess.Popen[bytes] | None = None
    since: float = 0.0
    pause_s: float = 0.0
    served: bool = False

    @property
    def is_free(self) -> bool:
        return self.process is None and time.monotonic() >= self.since + self.pause_s


class Workers:
    """Keeps every post taken.

    Args:
        listener: the socket that all of them accept from; closed here when they are told to stop.
        count: how many posts.
        folder: where they leave their figures.
    """

    def __init__(self, listener: socket.socket, count: int, folder: str) -> None:
        self._listener = listener
        self._folder = folder
        self._posts = [_Post() for _ in range(count)]
        self._lifeline, self._end_of_us = os.pipe()  # its other end closes with this process, however that ends
        self._stopping = False

    def run(self) -> None:
        """Until SIGTERM or SIGINT.

        Raises:
            WorkersFailed: see there.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop_soon)
        try:
            while not self._stopping:
                for post in self._posts:
                    self._look_after(post)
                time.sleep(_LOOK_S)
        finally:
            self._stop()

    def _stop_soon(self, *_: object) -> None:
        self._stopping = True

    def _look_after(self, post: _Post) -> None:
        if post.process is not None and post.process.poll() is not None:
            self._bury(post, post.process)
        if post.is_free:
            post.process, post.since = self._start(), time.monotonic()

    def _start(self) -> subprocess.Popen[bytes]:
        inherited = (self._listener.fileno(), self._lifeline)
        command = [sys.executable, "-m", "api", "--socket", str(inherited[0]), "--lifeline", str(inherited[1])]
        process = subprocess.Popen(command, pass_fds=inherited, env={**os.environ, WORKERS_FOLDER: self._folder})
        _log.info("worker.started", extra={"worker": process.pid})
        return process

    def _bury(self, post: _Post, process: subprocess.Popen[bytes]) -> None:
        lived_s, status = time.monotonic() - post.since, process.returncode
        _log.error("worker.died", extra={"worker": process.pid, "status": status, "lived_s": round(lived_s, 1)})
        forget_worker(process.pid, self._folder)
        post.served = post.served or lived_s > _YOUNG_S
        if status > 0 and not post.served:
            raise WorkersFailed(f"a worker could not start (exit status {status}); its last lines say why")
        young = lived_s < _YOUNG_S
        post.pause_s = min(_LONGEST_PAUSE_S, max(_LOOK_S, 2 * post.pause_s)) if young else 0.0
        post.process, post.since = None, time.monotonic()

    def _stop(self) -> None:
        """Tell all of them, wait, and end those who do not."""
        self._listener.close()  # the last of them to close its own really closes it
        running = [post.process for post in self._posts if post.process is not None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        until = time.monotonic() + _STOP_S
        for process in running:
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                _log.error("worker.killed", extra={"worker": process.pid})
                process.kill()
                process.wait()
        os.close(self._lifeline)
        os.close(self._end_of_us)
