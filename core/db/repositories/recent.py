"""What came and what was decided lately, for the watch over the model's answers. The canary's products count nowhere.

A product's answer was right where the code that stands now is the model's; it was overridden where the person who
accepted the product gave it another. The two differ where somebody corrected the label later. Products that were
rejected, taken back or erased say nothing about the model's categories.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, UnaryExpression, case, exists, func, select
from sqlalchemy.orm import Session, aliased

from core.db.models import Prediction, UserAccount, Verdict
from core.db.repositories.users import CANARIES
from core.domain.review import VALIDATE, Status

BANDS = 10
"""Bands of confidence, of equal width."""

_ACCEPTED = (Status.VALIDATED.value, Status.INGESTED.value)
_COUNTED = (Status.PENDING.value, *_ACCEPTED)


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer that a person has judged.

    Attributes:
        number: of the verdict that accepted the product.
        prediction_id: of the product.
        model_version: sha256 of the package that answered.
        confidence: of its answer, in [0, 1].
        suggested: the code it gave.
        accepted: the code that the verdict gave.
        stands: the code that the product has now.
    """

    number: int
    prediction_id: str
    model_version: str
    confidence: float
    suggested: int
    accepted: int
    stands: int


@dataclass(frozen=True, slots=True)
class Text:
    """A product's words."""

    id: str
    designation: str
    description: str | None


@dataclass(frozen=True, slots=True)
class Photo:
    """A product's photo, by its sha256."""

    id: str
    sha256: str


def judged(session: Session, *, model: str, version: str | None, limit: int) -> list[Judged]:
    """The answers that the newest ``limit`` verdicts accepted, newest first; each product once.

    Args:
        session: one that reads.
        model: the name that the products were sent to.
        version: the package that answered; None: any.
        limit: most of them.
    """
    return [Judged(*row) for row in session.execute(select_judged(model, version).limit(limit))]


def traffic(session: Session, *, model: str, version: str | None, since_id: str) -> list[int]:
    """How many answers since the product ``since_id`` fall into each band of confidence, judged or not: ``BANDS``."""
    counts = dict(session.execute(select_traffic(model, version, since_id)).all())
    return [counts.get(band, 0) for band in range(BANDS)]


def texts(session: Session, *, after: str, before: str, limit: int, newest: bool) -> list[Text]:
    """Up to ``limit`` products with words, ids between two (exclusive): the newest or the oldest; in order."""
    return sorted((Text(*row) for row in session.execute(select_texts(after, before, newest).limit(limit))), key=_id)


def photos(session: Session, *, after: str, before: str, limit: int, newest: bool) -> list[Photo]:
    """Likewise, products with a photo."""
    return sorted((Photo(*row) for row in session.execute(select_photos(after, before, newest).limit(limit))), key=_id)


def first_id_at(moment: datetime) -> str:
    """No product that came before ``moment`` (naive UTC) has a higher id: ids begin with their millisecond."""
    since_1970 = moment - datetime(1970, 1, 1)  # noqa: DTZ001 - both naive UTC
    digits = f"{int(since_1970.total_seconds() * 1000):012x}"
    return f"{digits[:8]}-{digits[8:]}-0000-0000-000000000000"


def select_judged(model: str, version: str | None) -> Select[tuple[int, str, str, float, int, int, int]]:
    """The statement behind ``judged``, without its limit."""
    later = aliased(Verdict)
    again = exists().where(
        later.prediction_id == Verdict.prediction_id,
        later.action == VALIDATE.name,
        later.prediction_version > Verdict.prediction_version,
    )
    return (
        select(
            Verdict.id,
            Prediction.id,
            Prediction.model_version,
            Prediction.confidence,
            Prediction.suggested_code,
            Verdict.prdtypecode,
            Prediction.current_code,
        )
        .join(Prediction, Prediction.id == Verdict.prediction_id)
        .where(Verdict.action == VALIDATE.name, ~again, Prediction.status.in_(_ACCEPTED), *_by(model, version))
        .order_by(Verdict.id.desc())
    )


def select_traffic(model: str, version: str | None, since_id: str) -> Select[tuple[int, int]]:
    """The statement behind ``traffic``."""
    # Rounding differs between databases, comparing does not.
    band = case(
        *((Prediction.confidence < (number + 1) / BANDS, number) for number in range(BANDS - 1)), else_=BANDS - 1
    ).label("band")
    counted = Prediction.id >= since_id, Prediction.status.in_(_COUNTED), *_by(model, version)
    return select(band, func.count()).where(*counted).group_by(band)


def select_texts(after: str, before: str, newest: bool) -> Select[tuple[str, str, str | None]]:
    """The statement behind ``texts``, without its limit."""
    columns = (Prediction.id, Prediction.designation, Prediction.description)
    return select(*columns).where(Prediction.designation != "", *_within(after, before)).order_by(_towards(newest))


def select_photos(after: str, before: str, newest: bool) -> Select[tuple[str, str]]:
    """The statement behind ``photos``, without its limit."""
    columns = (Prediction.id, Prediction.image_sha256)
    with_photo = Prediction.image_sha256.is_not(None), *_within(after, before)
    return select(*columns).where(*with_photo).order_by(_towards(newest))


def _towards(newest: bool) -> UnaryExpression[str]:
    return Prediction.id.desc() if newest else Prediction.id.asc()


def _by(model: str, version: str | None) -> tuple[ColumnElement[bool], ...]:
    named = Prediction.model_name == model, _is_no_canary()
    return named if version is None else (*named, Prediction.model_version == version)


def _within(after: str, before: str) -> tuple[ColumnElement[bool], ...]:
    return (
        Prediction.id > after,
        Prediction.id < before,
        Prediction.erase_requested_at.is_(None),
        _is_no_canary(),
    )


def _is_no_canary() -> ColumnElement[bool]:
    return Prediction.owner_id.not_in(select(UserAccount.id).where(UserAccount.username.in_(CANARIES)))


def _id(product: Text | Photo) -> str:
    return product.id
