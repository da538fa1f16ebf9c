"""Accepted labels that look wrong: asking somebody else to look again.

A label is doubted at the moment it is given, where it goes against a very confident model, or later by a training, but
by trainings once only: then a person has looked at it. The mark stays while the label does, also when it is ingested.
Whoever decides about it (undo, correct, retract, keep) takes the mark away.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Select, Update, func, or_, select, true, update
from sqlalchemy.orm import Session

from core.db.models import Prediction
from core.domain.review import Status

_UNSYNCHRONISED = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Doubt:
    """One label that looks wrong.

    Attributes:
        prediction_id: the product.
        given: the accepted code that is doubted.
        alternative: the code that it looks like.
        quality: how well the label fits, in [0, 1].
    """

    prediction_id: str
    given: int
    alternative: int
    quality: float


def ask(session: Session, doubts: Iterable[Doubt]) -> int:
    """Mark the products whose label is still the doubted one and was never doubted before.

    Safe to repeat: products that were marked, looked at, corrected, retracted or erased meanwhile are passed over.

    Returns:
        How many are marked now and were not before.
    """
    # In the order of the ids: two that ask at once never wait for one another in a ring.
    ordered = sorted(doubts, key=lambda doubt: doubt.prediction_id)
    return sum(
        _changed(session, update_of_ask(it.prediction_id, it.given, it.alternative, it.quality)) for it in ordered
    )


def ask_at_once(session: Session, doubt: Doubt, *, version: int) -> None:
    """Mark the product whose label was given a moment ago, in the same transaction, as ``version``."""
    statement = update_of_ask_at_once(doubt.prediction_id, version, doubt.given, doubt.alternative, doubt.quality)
    if _changed(session, statement) != 1:
        raise ValueError(f"expected the version that this transaction made. Received: {version}")


def keep(session: Session, prediction_id: str, *, version: int) -> bool:
    """Take the mark away because the label is right, from exactly ``version``; False where there is no such mark."""
    return _changed(session, update_of_keep(prediction_id, version)) == 1


def update_of_ask(prediction_id: str, given: int, alternative: int, quality: float) -> Update:
    """The guarded statement behind ``ask``."""
    return (
        update(Prediction)
        .where(
            Prediction.id == prediction_id,
            Prediction.status == Status.INGESTED.value,
            Prediction.current_code == given,
            Prediction.erase_requested_at.is_(None),
            or_(Prediction.doubted_code.is_(None), Prediction.doubted_code != given),
        )
        .values(second_opinion=True, doubted_code=given, alternative_code=alternative, label_quality=quality)
    )


def update_of_ask_at_once(prediction_id: str, version: int, given: int, alternative: int, quality: float) -> Update:
    """The statement behind ``ask_at_once``: the transaction holds the row since it made the version."""
    return (
        update(Prediction)
        .where(Prediction.id == prediction_id, Prediction.version == version, Prediction.current_code == given)
        .values(second_opinion=True, doubted_code=given, alternative_code=alternative, label_quality=quality)
    )


def update_of_keep(prediction_id: str, version: int) -> Update:
    """The guarded statement behind ``keep``. The version stays: the label that the store holds is the same."""
    return (
        update(Prediction)
        .where(Prediction.id == prediction_id, Prediction.version == version, Prediction.second_opinion.is_(True))
        .values(second_opinion=False, leased_by=None, leased_until=None)
    )


def waiting(session: Session) -> int:
    """How many labels wait for somebody to look again."""
    return session.scalars(select_waiting()).one()


def select_waiting() -> Select[tuple[int]]:
    """The statement behind ``waiting``."""
    # Compared and not asked with IS, for which MySQL reads every row.
    return select(func.count()).select_from(Prediction).where(Prediction.second_opinion == true())


def _changed(session: Session, statement: Update) -> int:
    return session.execute(statement, execution_options=_UNSYNCHRONISED).rowcount
