"""Classifying a product and staging the answer; reading staged answers back."""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from api.accounts.service import Account
from api.errors import Forbidden, StaleVersion
from api.predictions import cursors
from api.serving.engine import ServingEngine
from core import failpoints, retraction
from core.db.models import Prediction
from core.db.repositories import predictions, request_keys
from core.db.repositories.predictions import Filter, NewPrediction, Order
from core.db.repositories.request_keys import KeyReused
from core.domain.product import Modality, Product
from core.domain.review import Status
from core.domain.roles import Role
from core.errors import Conflict, Invalid, NotFound, Unavailable
from core.logging import bind
from core.stages import timed
from inference.answer import Answer, Ranking
from preprocessing.images import ImageFolder, SanitisedImage
from preprocessing.language import language_of

_FEWEST_KEPT = 3  # reviewers choose among the best three, however few its sender asked for


class UnknownPrediction(NotFound):
    """There is no such prediction, or it is somebody else's."""

    code = "prediction.not_found"

    def __init__(self) -> None:
        super().__init__("There is no such prediction.")


class NoImage(NotFound):
    """The prediction was made from text alone."""

    code = "prediction.no_image"


class NoDesignation(Invalid):
    """The product has no designation, and the model that is asked reads text: only models of photos need none."""

    code = "prediction.no_designation"

    def __init__(self) -> None:
        super().__init__("The model reads text: send a designation. Only models of photos alone need none.")


class ErasedBefore(Conflict):
    """The request was answered once, and its owner has erased the product since."""

    code = "prediction.erased"

    def __init__(self) -> None:
        super().__init__("The product that was sent under this Idempotency-Key has been erased.")


class StorageRefused(Unavailable):
    """The disk did not take the photo; nothing was staged."""

    code = "storage.refused"


@dataclass(frozen=True, slots=True)
class Submission:
    """One request for a prediction, as it was sent.

    Attributes:
        designation: the title, or "" where none was sent.
        image: the upload's bytes, not yet looked at, or None.
        model: the asked-for model's name, or None for the default one.
        top_k: how many answers are wanted, 1 to 10.
        idempotency_key: the caller's name for this request, or None.
    """

    designation: str
    description: str | None
    image: bytes | None
    model: str | None
    top_k: int
    idempotency_key: str | None

    @property
    def sha256(self) -> str:
        """The request's fingerprint: equal for equal content."""
        digest = hashlib.sha256()
        for part in (self.designation, self.description, self.model):
            digest.update(b"-" if part is None else f"{len(part)}:{part}".encode())
        digest.update(b"-" if self.image is None else hashlib.sha256(self.image).digest())
        digest.update(str(self.top_k).encode())
        return digest.hexdigest()


class PredictionDesk:
    """Takes submissions. The model runs while no transaction is open.

    Args:
        readers: sessions for looking whether a key was used before.
        serving: the release that answers.
        images: where photos are kept.
        decode: makes a photo of an upload, or refuses it.
    """

    def __init__(
        self,
        readers: sessionmaker[Session],
        serving: ServingEngine,
        images: ImageFolder,
        decode: Callable[[bytes], SanitisedImage],
    ) -> None:
        self._readers = readers
        self._serving = serving
        self._images = images
        self._decode = decode

    def repeated(self, submission: Submission, owner: Account) -> Prediction | None:
        """What this owner was answered when they sent the same key before.

        Raises:
            KeyReused: it was another request.
        """
        if submission.idempotency_key is None:
            return None
        with self._readers() as session:
            return _answered_before(session, submission, owner)

    def answer(self, submission: Submission, owner: Account) -> NewPrediction:
        """Run the model and keep the photo; staging the answer is ``stage``'s.

        Raises:
            NoRelease: nothing is served yet.
            UnknownModel: the release has no such model.
            NoDesignation: the model reads text, and there is no title.
            CannotAnswer: the model can read nothing of what was sent.
            BadImage: the upload is no photo.
            DecoderDown, DecodersBusy: it cannot be looked at now.
            StorageRefused: the disk did not take the photo.
        """
        release = self._serving.release()
        name, model = release.model(submission.model)
        bind(epoch=release.epoch, model=name, model_version=model.sha)
        if not submission.designation and Modality.TEXT_ONLY in model.halves:
            raise NoDesignation
        with timed("decode"):
            photo = self._decode(submission.image) if submission.image is not None else None
        product = Product(submission.designation, submission.description, photo.data if photo else None)
        with ThreadPoolExecutor(1) as disk:  # the disk takes the photo while the model looks at it
            kept = disk.submit(self._keep, photo) if photo else None
            answer = model.predict([product], top_k=max(submission.top_k, _FEWEST_KEPT))[0]
            if kept:
                kept.result()
        return NewPrediction(
            owner_id=owner.id,
            idempotency_key=submission.idempotency_key,
            request_sha256=submission.sha256,
            designation=submission.designation,
            description=submission.description,
            image_sha256=photo.sha256 if photo else None,
            modality=answer.modality.value,
            language=language_of(f"{submission.designation}\n{submission.description or ''}"),
            suggested_code=answer.prdtypecode,
            confidence=answer.confidence,
            answer=_as_json(answer),
            model_name=name,
            model_version=model.sha,
            epoch=release.epoch,
            taxonomy_version=model.taxonomy_version,
        )

    def _keep(self, photo: SanitisedImage) -> None:
        try:
            self._images.put(photo)
        except OSError as error:
            raise StorageRefused("The photo could not be stored; try again.") from error


def stage(session: Session, new: NewPrediction, submission: Submission, owner: Account) -> Prediction:
    """Insert the answer as pending. A request that was sent twice at once stages one row, and both get it.

    Its key stays taken when the product is deleted: a copy of the request that arrives late does not bring it back.

    Raises:
        KeyReused: the key was taken by another request meanwhile.
        ErasedBefore: the product was staged once and is gone.
    """
    known = _answered_before(session, submission, owner)
    if known is None and not _takes_its_key(session, submission, owner):
        known = _answered_before(session, submission, owner)
        if known is None:
            raise ErasedBefore
    if known is not None:
        return known
    row = predictions.add(session, new)
    failpoints.reach("predict.staging")
    return row


def _takes_its_key(session: Session, submission: Submission, owner: Account) -> bool:
    key = submission.idempotency_key
    if key is None:
        return True
    return request_keys.enter(session, actor_id=owner.id, key=key, request_sha256=submission.sha256) is None


def _answered_before(session: Session, submission: Submission, owner: Account) -> Prediction | None:
    if submission.idempotency_key is None:
        return None
    row = predictions.by_idempotency_key(session, owner.id, submission.idempotency_key)
    if row is not None and row.request_sha256 != submission.sha256:
        raise KeyReused
    if row is not None and row.erase_requested_at is not None:
        raise ErasedBefore
    return row


def _as_json(answer: Answer) -> dict[str, Any]:
    """The answer as it is kept; a half that was not answered from is left out."""
    halves = {"text": answer.text, "image": answer.image}
    return {
        "top_k": _pairs(answer.top_k),
        "experts": {name: _pairs(best) for name, best in answer.experts.items()},
        **{half: _pairs(best) for half, best in halves.items() if best is not None},
    }


def _pairs(best: Ranking) -> list[list[float]]:
    return [[code, probability] for code, probability in best]


def find(session: Session, prediction_id: str, caller: Account) -> Prediction:
    """The prediction that ``caller`` may see: their own, or any for reviewers and admins.

    Raises:
        UnknownPrediction: there is none, or it is not theirs to see.
    """
    row = predictions.by_id(session, prediction_id) if cursors.is_prediction_id(prediction_id) else None
    if row is None or not _may_see(caller, row):
        raise UnknownPrediction
    return row


def _may_see(caller: Account, row: Prediction) -> bool:
    if row.erase_requested_at is not None:  # gone, except for who has to see that it goes
        return caller.role.covers(Role.ADMIN)
    return row.owner_id == caller.id or caller.role.covers(Role.REVIEWER)


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list.

    Attributes:
        rows: in the order that was asked for.
        next_cursor: of the page after them; None: this is the last.
        begun_at: when the list's first page was read, by the database's clock; naive UTC.
    """

    rows: Sequence[Prediction]
    next_cursor: str | None
    begun_at: datetime


def list_page(session: Session, wanted: Filter, *, order: Order, cursor: str | None, limit: int) -> Page:
    """A page of what is wanted.

    Raises:
        BadCursor: ``cursor`` is not one of ours.
    """
    place = cursors.decode(order, cursor) if cursor is not None else None
    begun_at = place.begun_at if place else predictions.now(session)  # before the rows: they are at least as new
    rows = predictions.page(session, wanted, order=order, after=place.after if place else None, limit=limit + 1)
    shown = rows[:limit]
    return Page(shown, cursors.encode(order, shown[-1], begun_at) if len(rows) > limit else None, begun_at)


def erase(session: Session, prediction_id: str, caller: Account, *, if_version: int | None) -> bool:
    """Erase a prediction: a pending one for any reviewer, any for its owner and admins.

    Its photo stays on the disk until no row names it.

    Returns:
        True when nothing of it is left; False when its text and photo go with its retraction.

    Raises:
        UnknownPrediction: there is none, or it is not theirs.
        StaleVersion: ``if_version`` is not its version.
        Forbidden: it is decided, and the caller neither owns it nor administers.
        BeingArchived, ChangedMeanwhile: somebody was faster.
    """
    row = find(session, prediction_id, caller)
    if if_version is not None and row.version != if_version:
        raise StaleVersion(f"The prediction's version is {row.version}.")
    if row.erase_requested_at is not None:
        return predictions.is_blank(row)
    if row.status != Status.PENDING and row.owner_id != caller.id and not caller.role.covers(Role.ADMIN):
        raise Forbidden("Only its owner and admins may erase a prediction that was decided.")
    return retraction.erase(session, row, actor_id=caller.id, reason=None)


def is_erased(session: Session, prediction_id: str) -> bool:
    """Whether nothing is left of a prediction that was erased before; False while its retraction is on its way."""
    row = predictions.by_id(session, prediction_id)
    return row is None or predictions.is_blank(row)
