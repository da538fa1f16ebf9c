"""Removing a customer's product at their wish, wherever it stands."""

from collections.abc import Sequence

from sqlalchemy.orm import Session, sessionmaker

from core import failpoints
from core.db.models import Prediction
from core.db.repositories import archive, audit, outbox, predictions, verdicts
from core.db.session import transact
from core.domain.review import ERASE, ERASE_ARCHIVED, RETRACT, Move, OutboxKind, Status
from core.errors import Conflict
from core.retraction.labels import retract

_CHUNK = 200  # products a transaction


class BeingArchived(Conflict):
    """The archive job has the product in its hands."""

    code = "review.already_claimed"


class ChangedMeanwhile(Conflict):
    """Somebody else changed the prediction at this moment."""

    code = "review.changed_meanwhile"

    def __init__(self) -> None:
        super().__init__("Somebody else changed the prediction at this moment.")


def erase(session: Session, row: Prediction, *, actor_id: str, reason: str | None) -> bool:
    """Delete a product, or retract and blank it where the training store has had it.

    What the archive holds of it is taken out by the archive's next run.

    Args:
        session: the deciding transaction.
        row: the prediction as it was read; only this version is erased.
        actor_id: the account that decides.
        reason: why, at most 500 characters, or None.

    Returns:
        True when nothing of it is left but its trace; False when its text and photo go with its retraction.

    Raises:
        BeingArchived: the product is on its way into the archive; try again.
        ChangedMeanwhile: somebody else changed it; roll back.
    """
    status = Status(row.status)
    if status in predictions.NEVER_STORED:
        _withdraw_archive(session, row)
        if not outbox.has_any(session, row.id):
            return _delete(session, row, actor_id)
    if status in RETRACT.allowed:
        if retract(session, row, actor_id=actor_id, reason=reason, urgent=False, erase=True) is None:
            raise ChangedMeanwhile
    else:
        _retire(session, row, actor_id, reason)
    # The row is locked by now: a batch that needs its text marks it done before this, or blanks it after.
    return predictions.blank_erased(session, [row.id]) == 1


def _withdraw_archive(session: Session, row: Prediction) -> None:
    if row.status != Status.REJECTED:
        return
    if not outbox.withdraw(session, row.id, OutboxKind.ARCHIVE, row.version):
        raise BeingArchived("The product is being archived; try again soon.")


def _delete(session: Session, row: Prediction, actor_id: str) -> bool:
    if not predictions.remove(session, row.id, version=row.version):
        raise ChangedMeanwhile
    audit.record(session, actor=actor_id, action="delete", subject=f"prediction/{row.id}", version=row.version + 1)
    return True


def _retire(session: Session, row: Prediction, actor_id: str, reason: str | None) -> None:
    move: Move = ERASE_ARCHIVED if row.status == Status.ARCHIVED else ERASE
    if not predictions.move(session, row.id, version=row.version, move=move, erase=True):
        raise ChangedMeanwhile
    archive.request_removal(session, row.id)
    failpoints.reach("verdict.moved")
    verdicts.record(
        session,
        prediction_id=row.id,
        version=row.version + 1,
        move=move,
        code=row.current_code,
        reviewer_id=actor_id,
        reason=reason,
        detail={"before": row.status},
    )
    failpoints.reach("verdict.recorded")


def erase_customer(sessions: sessionmaker[Session], *, owner_id: str, actor_id: str, reason: str | None) -> int:
    """Erase everything that an account has sent, a chunk at a time; again after a crash goes on where it stopped.

    Returns:
        How many products were erased by this call.

    Raises:
        BeingArchived, ChangedMeanwhile: somebody was faster with one of them; what came before it is erased.
    """
    erased = 0
    while done := _erase_chunk(sessions, owner_id, actor_id, reason):
        erased += done
    return erased


def erase_portion(sessions: sessionmaker[Session], *, owner_id: str, actor_id: str, reason: str | None) -> bool:
    """Erase some of what an account has sent; whether more may be left.

    Raises:
        BeingArchived, ChangedMeanwhile: somebody was faster with one of them; nothing was erased.
    """
    return _erase_chunk(sessions, owner_id, actor_id, reason) == _CHUNK


def _erase_chunk(sessions: sessionmaker[Session], owner_id: str, actor_id: str, reason: str | None) -> int:
    def erase_some(session: Session) -> int:
        rows: Sequence[Prediction] = predictions.unerased_of(session, owner_id, limit=_CHUNK)
        for row in rows:
            erase(session, row, actor_id=actor_id, reason=reason)
        return len(rows)

    done = transact(sessions, erase_some)
    if done:
        failpoints.reach("retraction.chunk")
    return done
