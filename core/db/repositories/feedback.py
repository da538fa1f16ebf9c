"""What senders say of the answers to their products. The newest word stands; it moves neither status nor version."""

from sqlalchemy import Update, update
from sqlalchemy.orm import Session

from core.db.models import Prediction
from core.db.types import utc_now
from core.domain.feedback import FITTING, Feedback

_UNSYNCHRONISED = {"synchronize_session": False}


def say(
    session: Session, prediction_id: str, *, version: int, feedback: Feedback, code: int | None, reason: str | None
) -> bool:
    """Let the sender's word stand beside a product of exactly ``version``, instead of what they said before.

    Args:
        session: the transaction of the request.
        prediction_id: the product.
        version: the version that the sender was shown.
        feedback: their word.
        code: the code that they hold right, or None.
        reason: why, at most 500 characters, or None.

    Returns:
        False when the product is gone or erased, has another version, or stands where this cannot be said.
    """
    statement = update_of_feedback(prediction_id, version, feedback, code, reason)
    return session.execute(statement, execution_options=_UNSYNCHRONISED).rowcount == 1


def update_of_feedback(
    prediction_id: str, version: int, feedback: Feedback, code: int | None, reason: str | None
) -> Update:
    """The guarded statement behind ``say``."""
    return (
        update(Prediction)
        .where(
            Prediction.id == prediction_id,
            Prediction.version == version,
            Prediction.status.in_(sorted(status.value for status in FITTING[feedback])),
            Prediction.erase_requested_at.is_(None),
        )
        .values(feedback=feedback.value, feedback_code=code, feedback_reason=reason, feedback_at=utc_now())
    )


def withdraw(session: Session, prediction_id: str) -> bool:
    """Take the sender's word back; False where there is none."""
    return session.execute(update_of_withdrawal(prediction_id), execution_options=_UNSYNCHRONISED).rowcount == 1


def update_of_withdrawal(prediction_id: str) -> Update:
    """The guarded statement behind ``withdraw``."""
    return (
        update(Prediction)
        .where(
            Prediction.id == prediction_id,
            Prediction.feedback.is_not(None),
            Prediction.erase_requested_at.is_(None),
        )
        .values(feedback=None, feedback_code=None, feedback_reason=None, feedback_at=None)
    )
