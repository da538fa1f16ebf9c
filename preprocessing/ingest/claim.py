"""Claiming a batch: which work it holds, and where each new row belongs, decided in one transaction.

What takes long (reading photos and signing them) is done before, on what waits at that moment. The transaction looks
again and takes only what is still as it was.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy.orm import Session, sessionmaker

from core import failpoints
from core.db.repositories import ingest
from core.db.repositories.ingest import Claim, ClaimTaken, WaitingWork
from core.db.session import transact
from core.domain.clusters import Signature
from core.domain.review import OutboxKind
from preprocessing.images import BadImage, CorruptImage, ImageFolder, MissingImage
from preprocessing.ingest.fingerprints import Marks, sign_photo
from preprocessing.ingest.parallel import map_in_order
from preprocessing.ingest.placing import marks_of_work, place_waiting

_ATTEMPTS = 5
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a batch may hold: predictions, the oldest work first, the photos that were found whole, and new rows' marks.

    ``marks`` are by prediction, of those that append and have no cluster yet.
    """

    predictions: Sequence[str]
    photos: Collection[str]
    marks: Mapping[str, Marks]


def claim_batch(sessions: sessionmaker[Session], photos: ImageFolder, *, run_key: str, max_rows: int) -> Claim | None:
    """Claim the waiting work of up to ``max_rows`` predictions, or resume the batch that is open, whoever opened it.

    All that waits for a prediction is claimed together, so a correction's two halves are. A prediction whose photo
    is lost or damaged is left waiting; the others go on without it. A run that comes again gets the batch it had,
    done or not. None when nothing can be claimed.

    Raises:
        ClaimTaken: other processes were faster five times in a row.
    """
    for attempt in range(_ATTEMPTS):
        try:
            if left := transact(sessions, partial(_resume, run_key=run_key)):
                return left
            choice = choose(sessions, photos, max_rows)
            if not choice.predictions:
                return None
            return transact(sessions, partial(_claim, run_key=run_key, choice=choice))
        except ClaimTaken:
            if attempt == _ATTEMPTS - 1:
                raise
    return None


def choose(sessions: sessionmaker[Session], photos: ImageFolder, max_rows: int) -> Choice:
    """The predictions whose work waits longest and can be done now; each photo that cannot be used is logged."""
    chosen: dict[str, None] = {}
    whole: dict[str, Signature | None] = {}
    marks: dict[str, Marks] = {}
    after = 0
    while len(chosen) < max_rows:
        with sessions() as session:
            page = ingest.oldest_waiting(session, after=after, limit=max_rows)
            work = ingest.waiting_work(session, {prediction_id for _, prediction_id in page}) if page else []
        if not page:
            break
        after = page[-1][0]
        whole |= _whole_photos(work, photos)
        usable = ready(work, whole)
        chosen |= dict.fromkeys(one.prediction_id for one in usable)
        marks |= {one.prediction_id: marks_of_work(one, whole.get(one.image_sha256 or "")) for one in _unplaced(usable)}
    return Choice(tuple(chosen)[:max_rows], frozenset(whole), marks)


def ready(work: Iterable[WaitingWork], whole: Collection[str]) -> list[WaitingWork]:
    """The work of predictions that append nothing, or no photo, or one of the ``whole`` ones; in its order."""
    known, usable = list(work), {None, *whole}
    held = {one.prediction_id for one in known if _photo_of(one) not in usable}
    return [one for one in known if one.prediction_id not in held]


def _photo_of(work: WaitingWork) -> str | None:
    """The photo that an append needs."""
    return work.image_sha256 if work.kind is OutboxKind.APPEND else None


def _unplaced(work: Iterable[WaitingWork]) -> list[WaitingWork]:
    """The appends that get a cluster with this claim."""
    return [one for one in work if one.kind is OutboxKind.APPEND and not one.placed]


def _whole_photos(work: Iterable[WaitingWork], photos: ImageFolder) -> dict[str, Signature | None]:
    """The photos that appends need and that are whole, with their signatures."""
    needed = [one for one in work if _photo_of(one)]
    return dict(found for found in map_in_order(partial(_read_photo, photos), needed) if found)


def _read_photo(photos: ImageFolder, work: WaitingWork) -> tuple[str, Signature | None] | None:
    """The name and the signature of an append's photo if the photo is there and has the bytes it is named by."""
    photo = work.image_sha256 or ""
    try:
        return photo, sign_photo(photos.get(photo))
    except (MissingImage, CorruptImage, BadImage) as error:
        facts = {"prediction": work.prediction_id, "photo": photo, "reason": error.code}
        _log.warning("ingest.photo_missing", extra=facts)
        return None


def _resume(session: Session, run_key: str) -> Claim | None:
    if earlier := ingest.claim_of_run(session, run_key):
        return earlier
    if left := ingest.open_claim(session):
        ingest.take_over(session, left.segment, run_key)
    return left


def _claim(session: Session, run_key: str, choice: Choice) -> Claim:
    last = ingest.last_segment(session)
    if left := _resume(session, run_key):
        return left
    ingest.lock(session, choice.predictions)
    waiting = ready(ingest.waiting_work(session, choice.predictions), choice.photos)
    unsigned = {one.prediction_id for one in _unplaced(waiting)} - choice.marks.keys()  # decided again meanwhile
    work = [one for one in waiting if one.prediction_id not in unsigned]
    if not work:
        raise ClaimTaken("everything that waited was claimed or withdrawn meanwhile")
    appends = [one for one in work if one.kind is OutboxKind.APPEND]
    claim = ingest.insert_claim(
        session, segment=last + 1, run_key=run_key, rows=len(appends), retractions=len(work) - len(appends)
    )
    failpoints.reach("claim.numbered")
    places = place_waiting(session, _unplaced(appends), choice.marks)
    ingest.freeze(session, claim.segment, appends, places)
    failpoints.reach("claim.frozen")
    ingest.claim_outbox(session, claim.segment, work)
    failpoints.reach("claim.outbox")
    return claim
