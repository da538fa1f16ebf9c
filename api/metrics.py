"""Figures about the loop for a monitoring system, on a port of their own that only the inside may reach.

The text is Prometheus'. Every scrape asks the database: the newest result of the check of the invariants, where
predictions stand, and what waits for the training store. Who may read it is decided by who reaches the port.
"""

import logging
import threading
from collections.abc import Iterator
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from core.db.repositories import clusters, outbox, predictions, store_checks
from core.domain.review import Status
from core.store.fsck import INVARIANTS

_log = logging.getLogger(__name__)

_Gauges = Iterator[GaugeMetricFamily]


class LoopCollector(Collector):
    """Asks the database at every scrape; a database that is away is a figure too."""

    def __init__(self, readers: sessionmaker[Session]) -> None:
        self._readers = readers

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing, so that registering asks nothing."""
        return []

    def collect(self) -> _Gauges:
        """Every gauge, as of now."""
        try:
            with self._readers() as session:
                found = [*_check(session), *_predictions(session), *_waiting(session), *_copies(session)]
        except SQLAlchemyError as error:
            _log.warning("metrics.database_away", extra={"error": type(error).__name__})
            found = []
        yield GaugeMetricFamily("etalon_database_up", "1 while the staging database answers", float(bool(found)))
        yield from found


def _check(session: Session) -> _Gauges:
    newest = store_checks.newest(session)
    if newest is None:
        return
    violations = GaugeMetricFamily(
        "etalon_fsck_violations", "Broken invariants found by the newest check", labels=["invariant"]
    )
    for invariant in INVARIANTS:
        violations.add_metric([invariant], newest.violations.get(invariant, 0))
    yield violations
    yield GaugeMetricFamily("etalon_fsck_age_seconds", "Time since the newest check", newest.age_s)
    yield GaugeMetricFamily("etalon_fsck_manifest", "Newest manifest it saw, 0 for none", newest.manifest or 0)
    yield GaugeMetricFamily("etalon_fsck_full", "1 if it read every file", float(newest.complete))


def _predictions(session: Session) -> _Gauges:
    counts = predictions.count_by_status(session)
    gauge = GaugeMetricFamily("etalon_predictions", "Predictions by where they stand", labels=["status"])
    for status in Status:
        gauge.add_metric([status.value], counts.get(status, 0))
    yield gauge


def _waiting(session: Session) -> _Gauges:
    waiting = outbox.waiting(session)
    yield GaugeMetricFamily("etalon_outbox_waiting", "Appends and retractions that no batch has claimed", waiting.rows)
    yield GaugeMetricFamily("etalon_outbox_oldest_age_seconds", "Age of the oldest of them", waiting.oldest_age_s)
    yield GaugeMetricFamily("etalon_batch_open_seconds", "Age of the batch that is not finished", waiting.open_s)


def _copies(session: Session) -> _Gauges:
    known = clusters.tally(session)
    yield GaugeMetricFamily(
        "etalon_clusters", "Clusters of copies and near-copies, lone products included", known.clusters
    )


class MetricsListener:
    """An HTTP server in a thread of its own.

    Args:
        readers: sessions for looking.
        host: address to listen at.
        port: 0 takes any free one.
    """

    def __init__(self, readers: sessionmaker[Session], host: str, port: int) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(LoopCollector(readers))
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
