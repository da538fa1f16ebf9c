"""The port that the figures are read at. Who may read them is decided by who reaches the port."""

import logging
import threading
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.process_collector import ProcessCollector
from sqlalchemy.orm import Session, sessionmaker

from api.metrics.instruments import Instruments
from api.metrics.loop import LoopCollector
from api.settings import ServiceSettings
from core.db.session import make_engine, make_readers

_log = logging.getLogger(__name__)


class MetricsListener:
    """An HTTP server in a thread of its own; its text is Prometheus'.

    Args:
        registry: what is told.
        host: address to listen at.
        port: 0 takes any free one.
    """

    def __init__(self, registry: CollectorRegistry, host: str, port: int) -> None:
        self._registry = registry
        self._host, self._port = host, port
        self._running: tuple[WSGIServer, threading.Thread] | None = None

    def start(self) -> int:
        """Begin to listen; returns the port.

        Raises:
            OSError: the port is taken.
        """
        self._running = start_http_server(self._port, self._host, self._registry)
        port = self._running[0].server_port
        _log.info("metrics.listening", extra={"host": self._host, "port": port})
        return port

    def stop(self) -> None:
        """Stop listening; scrapes that were accepted are answered."""
        if self._running:
            server, thread = self._running
            server.shutdown()
            server.server_close()
            thread.join()


def listener_of_workers(settings: ServiceSettings, folder: str) -> MetricsListener | None:
    """What the process that starts several workers listens with; None where no port is configured.

    Args:
        settings: of the service.
        folder: empty at first; workers find it in ``WORKERS_FOLDER`` before they import anything.
    """
    serving = settings.serving
    if serving.metrics_port is None:
        return None
    registry = figures_of_workers(folder, make_readers(make_engine(settings.database)))
    return MetricsListener(registry, serving.metrics_host, serving.metrics_port)


def figures_of_process(instruments: Instruments, readers: sessionmaker[Session]) -> CollectorRegistry:
    """The figures of a service that is one process: its own, its memory's and the loop's."""
    LoopCollector.register(instruments.registry, readers)
    ProcessCollector(registry=instruments.registry)
    return instruments.registry


def figures_of_workers(folder: str, readers: sessionmaker[Session]) -> CollectorRegistry:
    """The figures of the workers that leave them in ``folder``, added up, and the loop's."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)
    LoopCollector.register(registry, readers)
    return registry


def forget_worker(pid: int, folder: str) -> None:
    """A worker has died: what it counted stays, what it was doing ends."""
    mark_process_dead(pid, folder)
