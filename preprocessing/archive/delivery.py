"""Rejected products into the archive, and those that are to go out of it.

The steps of one product: ids are reserved; one transaction writes them down and claims the rejection; the parcel is
sent under these ids; one transaction says that it arrived. A run that is killed anywhere, or that runs twice at once,
sends the same parcel under the same ids, and so leaves it there once.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from core import failpoints
from core.db.models import ArchiveParcel
from core.db.repositories import archive as repository
from core.db.repositories.archive import Rejection, TakenMeanwhile
from core.db.session import transact
from core.domain.taxonomy import Taxonomy
from core.errors import EtalonError
from preprocessing.archive.parcel import FOLDER, PHOTO, PRODUCT, Archive, ArchiveUnavailable, Parcel, compose, name_of
from preprocessing.images import ImageFolder

_log = logging.getLogger(__name__)

_CLAIM_AT_ONCE = 100
_NAMES = (FOLDER, PRODUCT, PHOTO)


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one run did: parcels that arrived, parcels that were taken out, and products it could not archive."""

    archived: int
    removed: int
    failed: int


class Delivery:
    """Brings parcels to where they were claimed for.

    Args:
        sessions: sessions that may change the database.
        images: the photos.
        taxonomy: labels and themes for the codes.
        archives: every place that can be reached, by its name.
        place: the one of them that takes new parcels.
    """

    def __init__(
        self,
        sessions: sessionmaker[Session],
        images: ImageFolder,
        taxonomy: Taxonomy,
        archives: Mapping[str, Archive],
        place: str,
    ) -> None:
        self._sessions = sessions
        self._images = images
        self._taxonomy = taxonomy
        self._archives = archives
        self._place = place

    def run(self) -> Delivered:
        """Claim what waits, deliver what is claimed, remove what is to go.

        A product that cannot be archived (its photo is gone) is named in the log and left for the next run.

        Raises:
            ArchiveUnavailable: the archive cannot be reached, or refuses; what was delivered before it is marked.
        """
        self._claim_all()
        outcomes = [self._deliver(parcel) for parcel in self._read(repository.undelivered)]
        removed = sum(self._remove(parcel) for parcel in self._read(repository.unremoved))
        return Delivered(outcomes.count(True), removed, outcomes.count(None))

    def _read(self, question: Callable[[Session], Sequence[ArchiveParcel]]) -> Sequence[ArchiveParcel]:
        with self._sessions() as session:
            return question(session)

    def _claim_all(self) -> None:
        while waiting := self._waiting():
            ids = iter(self._archives[self._place].reserve(len(_NAMES) * len(waiting)))
            taken = [self._claim(rejection, dict(zip(_NAMES, ids, strict=False))) for rejection in waiting]
            if not any(taken):
                return  # every one of them was somebody else's: they are gone from the outbox, or will be

    def _waiting(self) -> list[Rejection]:
        with self._sessions() as session:
            return repository.waiting(session, _CLAIM_AT_ONCE)

    def _claim(self, rejection: Rejection, ids: Mapping[str, str]) -> bool:
        day = f"{rejection.rejected_at:%Y-%m-%d}"
        try:
            transact(
                self._sessions,
                lambda session: repository.claim(session, rejection, place=self._place, day=day, ids=ids),
            )
        except TakenMeanwhile:
            return False
        failpoints.reach("archive.claimed")
        return True

    def _deliver(self, parcel: ArchiveParcel) -> bool | None:
        """True: it arrived now. False: somebody else was faster. None: it cannot be archived as things stand."""
        archive = self._archive_of(parcel)
        try:
            composed = self._compose(parcel)
        except EtalonError as error:
            extra = {"prediction_id": parcel.prediction_id, "code": error.code}
            _log.error("archive.not_possible", extra=extra)
            return None
        if composed is None:
            return False
        archive.store(composed, self._day_folder(archive, parcel.day), parcel.ids)
        failpoints.reach("archive.stored")
        arrived = transact(self._sessions, lambda session: repository.mark_archived(session, parcel))
        _log.info("archive.stored", extra={"prediction_id": parcel.prediction_id, "place": parcel.place})
        return arrived

    def _archive_of(self, parcel: ArchiveParcel) -> Archive:
        if parcel.place not in self._archives:
            raise ArchiveUnavailable(
                f"{parcel.day}/{name_of(parcel.prediction_id, parcel.version)} belongs to the archive in "
                f"{parcel.place}, which is not configured any more: set DRIVE_CREDENTIALS and DRIVE_FOLDER"
            )
        return self._archives[parcel.place]

    def _compose(self, parcel: ArchiveParcel) -> Parcel | None:
        with self._sessions() as session:
            content = repository.content(session, parcel)
        if content is None:
            return None
        photo = self._images.get(content.row.image_sha256) if content.row.image_sha256 else None
        return compose(content, parcel.day, self._taxonomy, photo)

    def _day_folder(self, archive: Archive, day: str) -> str:
        with self._sessions() as session:
            known = repository.day_folder(session, archive.place, day)
        if known is not None:
            return known
        folder_id = archive.reserve(1)[0]
        return transact(
            self._sessions, lambda session: repository.name_day_folder(session, archive.place, day, folder_id)
        )

    def _remove(self, parcel: ArchiveParcel) -> bool:
        nothing = Parcel(parcel.day, name_of(parcel.prediction_id, parcel.version), {})
        self._archive_of(parcel).remove(nothing, parcel.ids)
        failpoints.reach("archive.removed")
        _log.info("archive.removed", extra={"prediction_id": parcel.prediction_id, "place": parcel.place})
        return transact(self._sessions, lambda session: repository.mark_removed(session, parcel))
