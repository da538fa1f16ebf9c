"""Figures about the loop, asked of the database at every scrape.

They tell the newest result of the check of the invariants, where predictions stand, what people decided and what waits
for the training store; so they survive every restart, and any process may tell them.
"""

import logging
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from core.db.repositories import (
    archive,
    clusters,
    outbox,
    predictions,
    promotions,
    quality,
    second_opinions,
    store_checks,
    verdicts,
)
from core.domain.review import Status
from core.domain.watch import Watched
from core.store.fsck import INVARIANTS

_log = logging.getLogger(__name__)

_SETTLED_AFTER = timedelta(minutes=10)  # no transaction lives that long: ids below are all there are
_Figures = Iterator[Metric]


class LoopCollector(Collector):
    """Asks the database at every scrape; a database that is away is a figure too."""

    def __init__(self, readers: sessionmaker[Session]) -> None:
        self._readers = readers
        self._verdicts = _VerdictCount()

    @classmethod
    def register(cls, registry: CollectorRegistry, readers: sessionmaker[Session]) -> None:
        """Tell these figures with the others of ``registry``."""
        registry.register(cls(readers))

    def describe(self) -> list[Metric]:
        """Nothing, so that registering asks nothing."""
        return []

    def collect(self) -> _Figures:
        """Every figure, as of now."""
        try:
            with self._readers() as session:
                found = list(self._ask(session))
        except SQLAlchemyError as error:
            _log.warning("metrics.database_away", extra={"error": type(error).__name__})
            found = []
        except Exception:  # a mistake in one figure takes none of the others away
            _log.exception("metrics.failed")
            found = []
        yield GaugeMetricFamily("etalon_database_up", "1 while the staging database answers", float(bool(found)))
        yield from found

    def _ask(self, session: Session) -> _Figures:
        yield from _check(session)
        yield from _predictions(session)
        yield from self._decided(session)
        yield from _waiting(session)
        yield from _copies(session)
        yield from _ledger(session)
        yield from _quality(session)

    def _decided(self, session: Session) -> _Figures:
        """Overrides are validations whose code is not the model's: ``agrees="false"``."""
        found = CounterMetricFamily(
            "etalon_verdicts", "Decisions, and whether the code then was the model's", labels=["action", "agrees"]
        )
        for (action, agrees), count in sorted(self._verdicts.count(session).items()):
            found.add_metric([action, str(agrees).lower()], count)
        yield found


class _VerdictCount:
    """Counts verdicts without reading all of them at every scrape: those of the past are counted once."""

    def __init__(self) -> None:
        self._settled: Counter[verdicts.Kind] = Counter()
        self._through = 0  # the newest id among the settled
        self._counting = threading.Lock()

    def count(self, session: Session) -> Counter[verdicts.Kind]:
        """All there are, by action and agreement."""
        with self._counting:
            through = verdicts.newest_id(session, after=self._through, older_than=_SETTLED_AFTER)
            if through is not None:
                self._settled += verdicts.tally(session, after=self._through, through=through)
                self._through = through
            return self._settled + verdicts.tally(session, after=self._through)


def _check(session: Session) -> _Figures:
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


def _predictions(session: Session) -> _Figures:
    counts = predictions.count_by_status(session)
    gauge = GaugeMetricFamily("etalon_predictions", "Predictions by where they stand", labels=["status"])
    for status in Status:
        gauge.add_metric([status.value], counts.get(status, 0))
    yield gauge
    doubted = second_opinions.waiting(session)
    yield GaugeMetricFamily("etalon_second_opinions_waiting", "Accepted labels that look wrong", doubted)


def _waiting(session: Session) -> _Figures:
    waiting = outbox.waiting(session)
    yield GaugeMetricFamily("etalon_outbox_waiting", "Appends and retractions that no batch has claimed", waiting.rows)
    yield GaugeMetricFamily("etalon_outbox_oldest_age_seconds", "Age of the oldest of them", waiting.oldest_age_s)
    yield GaugeMetricFamily("etalon_batch_open_seconds", "Age of the batch that is not finished", waiting.open_s)
    leaving = archive.backlog(session)
    yield GaugeMetricFamily("etalon_archive_waiting", "Rejected products that are not in the archive", leaving.waiting)
    yield GaugeMetricFamily("etalon_archive_oldest_age_seconds", "Age of the oldest of them", leaving.oldest_age_s)


def _copies(session: Session) -> _Figures:
    known = clusters.tally(session)
    yield GaugeMetricFamily(
        "etalon_clusters", "Clusters of copies and near-copies, lone products included", known.clusters
    )


def _ledger(session: Session) -> _Figures:
    newest = promotions.current(session)
    yield GaugeMetricFamily(
        "etalon_epoch_ledger", "Release epoch that should answer; 0 before the first", newest.epoch if newest else 0
    )


def _quality(session: Session) -> _Figures:
    newest = quality.newest(session)
    if newest:
        value = GaugeMetricFamily("etalon_quality", "Newest reading of the watch over the answers", labels=["kind"])
        ends = GaugeMetricFamily("etalon_quality_bound", "Ends of its interval", labels=["kind", "end"])
        threshold = GaugeMetricFamily("etalon_quality_threshold", "What it is held against", labels=["kind"])
        for kind, row in newest.items():
            value.add_metric([kind], row.value)
            threshold.add_metric([kind], row.threshold)
            for end, figure in (("low", row.low), ("high", row.high)):
                if figure is not None:
                    ends.add_metric([kind, end], figure)
        yield from (value, ends, threshold)
    last = {row.kind: row.ended_at is None for row in quality.episodes(session)}
    alarm = GaugeMetricFamily("etalon_quality_alarm", "1 while something that is watched is wrong", labels=["kind"])
    for kind in Watched:
        alarm.add_metric([kind], float(last.get(kind, False)))
    yield alarm
