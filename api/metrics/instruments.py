"""What the service counts while it works. Label sets are bounded: routes, statuses, codes, classes, served models."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

WORKERS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder where several workers leave their figures; prometheus_client reads it when it is imported."""

_REQUEST_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_STAGE_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_TENTHS = tuple(tenth / 10 for tenth in range(1, 11))
_SHOWN_OF_VERSION = 12  # characters of a package's sha256; the log has all of it


class Instruments:
    """Counters of one process. Several workers' figures are added up by ``figures_of_workers``.

    Attributes:
        since: when counting began.
        registry: where the figures are read.
        http_in_flight: requests being served, whatever they ask for.
        in_flight: predictions being made.
        queued: predictions that wait for a place.
        queue_wait: seconds that a prediction waited for a place.
    """

    def __init__(self) -> None:
        self.since = datetime.now(UTC)
        self.registry = new = CollectorRegistry()
        self._requests = Counter("etalon_http_requests", "Requests served", ["method", "route", "status"], registry=new)
        self._request_s = Histogram(
            "etalon_http_request_seconds",
            "From the first byte of a request's head to the last of its answer",
            ["method", "route"],
            buckets=_REQUEST_S,
            registry=new,
        )
        self._problems = Counter("etalon_problems", "Refusals by their stable code", ["code"], registry=new)
        self.http_in_flight = _level("etalon_http_in_flight", "Requests being served", new)
        self.in_flight = _level("etalon_predictions_in_flight", "Predictions being made", new)
        self.queued = _level("etalon_predictions_queued", "Predictions that wait for a place", new)
        self.queue_wait = Histogram(
            "etalon_queue_wait_seconds", "Time a prediction waited for a place", buckets=_STAGE_S, registry=new
        )
        self._stage_s = Histogram(
            "etalon_stage_seconds", "Time of one stage of an answer", ["stage"], buckets=_STAGE_S, registry=new
        )
        self._confidence = Histogram(
            "etalon_prediction_confidence",
            "Calibrated confidence of new predictions; its count is how many there were",
            ["model", "version", "prdtypecode"],
            buckets=_TENTHS,
            registry=new,
        )
        # Of several workers the one that is behind is the one to know of.
        self._epoch = Gauge(
            "etalon_epoch_served",
            "Release epoch that answers; 0 before the first",
            multiprocess_mode="livemin",
            registry=new,
        )
        self._refusals = Counter(
            "etalon_release_refusals", "Releases that could not be served, each attempt", ["code"], registry=new
        )

    def request(self, method: str, route: str, status: str, seconds: float) -> None:
        """A request was served; ``route`` is its template, never its path."""
        self._requests.labels(method, route, status).inc()
        self._request_s.labels(method, route).observe(seconds)

    def request_times(self) -> Iterator[tuple[str, str, dict[float, float]]]:
        """Method, route, and how many of this process's requests took at most so many seconds, by that bound."""
        found: dict[tuple[str, str], dict[float, float]] = {}
        for metric in self._request_s.collect():
            for sample in metric.samples:
                if sample.name.endswith("_bucket"):
                    key = sample.labels["method"], sample.labels["route"]
                    found.setdefault(key, {})[float(sample.labels["le"])] = sample.value
        for (method, route), buckets in found.items():
            yield method, route, buckets

    def problem(self, code: str) -> None:
        """A request was answered with a problem document."""
        self._problems.labels(code).inc()

    def stage(self, name: str, seconds: float) -> None:
        """A stage of an answer took so long."""
        self._stage_s.labels(name).observe(seconds)

    def predicted(self, model: str, version: str, prdtypecode: int, confidence: float) -> None:
        """A new prediction was staged; ``confidence`` is in [0, 1]."""
        self._confidence.labels(model, version[:_SHOWN_OF_VERSION], str(prdtypecode)).observe(confidence)

    def served(self, epoch: int) -> None:
        """Another release answers now."""
        self._epoch.set(epoch)

    def forget(self, version: str) -> None:
        """A model is not kept loaded any more: its figures end. Among several workers they stay until a restart."""
        if WORKERS_FOLDER in os.environ:
            return
        self._confidence.remove_by_labels({"version": version[:_SHOWN_OF_VERSION]})

    def refused(self, code: str) -> None:
        """A release could not be served."""
        self._refusals.labels(code).inc()


def _level(name: str, text: str, registry: CollectorRegistry) -> Gauge:
    return Gauge(name, text, multiprocess_mode="livesum", registry=registry)
