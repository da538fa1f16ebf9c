"""Accepted labels that look wrong: asking an admin to look again, once for each label.

A product is marked while its label stands unquestioned; whoever decides about it (correct, retract, keep) takes the
mark away, and the same label is never doubted twice: a person has looked at it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Update, or_, update
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


def update_of_keep(prediction_id: str, version: int) -> Update:
    """The guarded statement behind ``keep``. The version stays: the label that the store holds is the same."""
    return (
        update(Prediction)
        .where(Prediction.id == prediction_id, Prediction.version == version, Prediction.second_opinion.is_(True))
        .values(second_opinion=False)
    )


def _changed(session: Session, statement: Update) -> int:
    return session.execute(statement, execution_options=_UNSYNCHRONISED).rowcount
