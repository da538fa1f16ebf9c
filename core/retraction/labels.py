"""Taking one label back."""

from enum import StrEnum

from sqlalchemy.orm import Session

from core import failpoints
from core.db.models import Prediction
from core.db.repositories import outbox, predictions, verdicts
from core.domain.review import RETRACT, OutboxKind, Status


class Taken(StrEnum):
    """How a label was taken back."""

    WITHDRAWN = "withdrawn"
    """It never reached the training store, and never will."""
    RETRACTED = "retracted"
    """A row of it is in the training store or on its way there; the next batches tombstone it."""


def retract(
    session: Session, row: Prediction, *, actor_id: str, reason: str | None, urgent: bool, erase: bool = False
) -> Taken | None:
    """Take the label of an accepted prediction back.

    Args:
        session: the deciding transaction.
        row: the prediction as it was read; only this version is retracted.
        actor_id: the account that decides.
        reason: why, at most 500 characters, or None.
        urgent: whether the training store shall not wait for a full batch.
        erase: whether its owner wants it gone.

    Returns:
        None when it is not accepted, or has another version by now; nothing was changed then.
    """
    if not predictions.move(session, row.id, version=row.version, move=RETRACT, erase=erase):
        return None
    failpoints.reach("verdict.moved")
    withdrawn = outbox.withdraw(session, row.id, OutboxKind.APPEND)
    # Of a validated row only the append that made it so can be waiting: with it, nothing is left to tombstone.
    never_stored = row.status == Status.VALIDATED and withdrawn == 1
    verdicts.record(
        session,
        prediction_id=row.id,
        version=row.version + 1,
        move=RETRACT,
        code=row.current_code,
        reviewer_id=actor_id,
        reason=reason,
        detail={"before": row.status, "withdrawn": withdrawn, "erase": erase},
        work=() if never_stored else RETRACT.work,
        urgent=urgent,
    )
    failpoints.reach("verdict.recorded")
    return Taken.WITHDRAWN if never_stored else Taken.RETRACTED
