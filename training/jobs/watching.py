"""One look at what the served model answers and is asked: what is new is read, written down, and told where it alarms.

Everything that follows from a look is one transaction: readings, episodes, the wish for a retraining. A run that comes
again reads nothing again and tells the same; of two runs at once one writes.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from core.db.models import QualityReading
from core.db.repositories import promotions, quality, recent, retrain_requests
from core.db.repositories.promotions import LedgerStep
from core.db.repositories.quality import Reading
from core.db.repositories.recent import Judged, Photo, Text
from core.db.session import transact
from core.domain.watch import Finding, Step, Watched
from core.settings import LoopSettings
from preprocessing.images import BadImage, CorruptImage, ImageFolder, MissingImage
from training.watch import accuracy, features, readings, sentences

log = logging.getLogger(__name__)

_LAST = "g"  # ids are hexadecimal
_FEWEST_READ = 0.5  # of a sample's photos; a store that lost more has another trouble
_NO_CHANGE = 5e-4
_LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Served:
    """The package that answers under the watched name (None: nothing does), since when (naive UTC)."""

    version: str | None
    since: datetime | None


def watch(
    sessions: sessionmaker[Session],
    readers: sessionmaker[Session],
    images: ImageFolder,
    loop: LoopSettings,
    *,
    model: str,
    run_key: str,
) -> dict[str, Any]:
    """Look once.

    Args:
        sessions: sessions that write.
        readers: sessions that only look.
        images: the stored photos.
        loop: the settings.
        model: whose answers, by the name that products are sent to.
        run_key: the run that asks; again: the same result.

    Returns:
        ``read``: what was read, by kind (None: nothing new, and nothing to tell); ``told``: what is to be told of now;
        ``retrain``: whether a retraining was asked for; ``subject`` and ``text`` of the alert.
    """
    with readers() as session:
        done = quality.of_run(session, run_key)
    found = [] if done else _look(readers, images, loop, model)
    try:
        transact(sessions, lambda session: _keep(session, found, run_key))
    except IntegrityError:  # the same run, at once: what it read stands
        log.info("watch.read_already", extra={"run_key": run_key})
        transact(sessions, lambda session: _keep(session, [], run_key))
    with readers() as session:
        return _result(session, run_key)


def _look(readers: sessionmaker[Session], images: ImageFolder, loop: LoopSettings, model: str) -> list[Reading]:
    """Everything that there is something new to say of."""
    with readers() as session:
        known = quality.newest(session)
        served = served_since(promotions.steps(session), model)
        found = [*_of_verdicts(session, served.version, known, loop, model)]
        samples = {kind: _samples(session, kind, served.since, known.get(kind), loop) for kind in _FINDERS}
    for kind, (reference, window) in samples.items():
        described = _describe(reference, images), _describe(window, images)
        if min(len(some) for some in described) >= max(2, _FEWEST_READ * loop.watch_inputs):
            found.append(readings.of_inputs(kind, reference, window, described, loop))
    return found


def served_since(ledger: Sequence[LedgerStep], model: str) -> Served:
    """What the newest epoch serves under a name, and the first moment from which it always did."""
    version = ledger[-1].models.get(model) if ledger else None
    since = None
    for one in reversed(ledger):
        if one.models.get(model) != version:
            break
        since = one.at
    return Served(version, since if version is not None else None)


def _of_verdicts(
    session: Session, version: str | None, known: dict[Watched, QualityReading], loop: LoopSettings, model: str
) -> list[Reading]:
    """Accuracy where it changed, and calibration once a window of verdicts is full."""
    every = recent.judged(session, model=model, version=None, limit=loop.watch_verdicts)
    own: list[Judged] = []
    if version is not None:
        own = recent.judged(session, model=model, version=version, limit=loop.watch_verdicts)
    # Verdicts on a model that answers no more say little, but more than nothing: until the served one has enough.
    about, judged = (version, own) if len(own) >= accuracy.FEWEST else (None, every)

    def traffic(since_id: str) -> list[int]:
        return recent.traffic(session, model=model, version=about, since_id=since_id)

    found = [readings.of_accuracy(judged, every, about, traffic, loop)]
    if version is not None:
        last = known.get(Watched.CALIBRATION)
        found.append(readings.of_confidence(own, int(last.through) if last else 0, version, loop))
    return [one for one in found if one is not None and not _is_known(one, known.get(one.kind))]


def _is_known(one: Reading, last: QualityReading | None) -> bool:
    """Whether it says just what was read last."""
    same = ("through", "model_version", "finding")
    if last is None or any(getattr(one, name) != getattr(last, name) for name in same):
        return False
    return abs(one.value - last.value) < _NO_CHANGE and abs((one.low or 0.0) - (last.low or 0.0)) < _NO_CHANGE


_FINDERS = {Watched.TEXT: recent.texts, Watched.IMAGES: recent.photos}


def _samples(
    session: Session, kind: Watched, promoted_at: datetime | None, last: QualityReading | None, loop: LoopSettings
) -> tuple[Sequence[Any], Sequence[Any]]:
    """The reference and the newest full window that no reading has used; two empty ones while either is not full.

    The reference are the last products before the served model's promotion: of their kind it has learnt. Where there
    were too few, it is the first there are.
    """
    find, rows = _FINDERS[kind], loop.watch_inputs
    before = recent.first_id_at(promoted_at) if promoted_at is not None else ""
    reference = find(session, after="", before=before, limit=rows, newest=True)
    if len(reference) < rows:
        reference = find(session, after="", before=_LAST, limit=rows, newest=False)
    if len(reference) < rows:
        return [], []
    since = max(reference[-1].id, last.through if last else "")
    window = find(session, after=since, before=_LAST, limit=rows, newest=True)
    return (reference, window) if len(window) == rows else ([], [])


def _describe(products: Sequence[Text | Photo], images: ImageFolder) -> NDArray[np.float32]:
    """Features of those that can be read; retention may have removed an old photo."""
    if not products:
        return np.empty((0, 0), np.float32)
    if isinstance(products[0], Text):
        return features.of_texts([(one.designation, one.description) for one in products])
    described = []
    for one in products:
        try:
            described.append(features.of_photo(images.get(one.sha256)))
        except (MissingImage, CorruptImage, BadImage) as error:
            log.warning("watch.photo_unreadable", extra={"prediction": one.id, "code": error.code})
    return np.array(described, np.float32)


def _keep(session: Session, found: Sequence[Reading], run_key: str) -> None:
    """Write what was read, move the episodes, and wish for a retraining where accuracy is to be told of."""
    for one in found:
        quality.record(session, run_key, one)
    for kind, row in quality.newest(session).items():
        taken = quality.move_episode(session, kind, Finding(row.finding), run_key)
        if taken is not Step.NOTHING:
            log.info("watch.episode", extra={"kind": kind, "step": taken, "value": row.value})
        if kind is Watched.ACCURACY and taken in (Step.BEGIN, Step.TELL_AGAIN):
            retrain_requests.ask(session, reason=sentences.accuracy(row)[:_LONGEST_REASON])


def _result(session: Session, run_key: str) -> dict[str, Any]:
    mine, newest = quality.of_run(session, run_key), quality.newest(session)
    told = {kind: newest[kind] for kind in quality.told_by(session, run_key)}
    return {
        "read": {kind: _figures(row) for kind, row in mine.items()} or ({} if told else None),
        "told": list(told),
        "retrain": Watched.ACCURACY in told,
        "subject": sentences.subject(told),
        "text": sentences.text(told) if told else "",
    }


def _figures(row: QualityReading) -> dict[str, Any]:
    return {"value": row.value, "low": row.low, "high": row.high, "finding": row.finding, "rows": row.rows}
