"""Taking a sender's word, and taking it back."""

from sqlalchemy.orm import Session

from api.accounts.service import Account
from api.errors import StaleVersion
from api.feedback.schemas import FeedbackBody
from api.predictions.service import UnknownPrediction, find
from core.db.models import Prediction
from core.db.repositories import audit, feedback
from core.domain.feedback import FITTING, Feedback
from core.domain.review import Status
from core.domain.taxonomy import Taxonomy
from core.errors import Conflict
from core.retraction import ChangedMeanwhile


class NotSayable(Conflict):
    """The feedback comes too late.

    A proposal is taken while the product is pending, a confirmation while it is pending or accepted, a dispute as long
    as it is not retracted.
    """

    code = "feedback.not_sayable"

    def __init__(self, kind: Feedback, status: Status) -> None:
        super().__init__(f"The prediction is {status}: it cannot be {kind} any more.")


def give(
    session: Session,
    sender: Account,
    prediction_id: str,
    body: FeedbackBody,
    taxonomy: Taxonomy,
    *,
    if_version: int | None,
) -> Prediction:
    """Let the sender's word stand beside their product, instead of what they said before.

    Raises:
        UnknownPrediction: there is none, or they did not send it.
        StaleVersion: ``if_version`` is not its version.
        UnknownCode: the code is not in the taxonomy.
        NotSayable: it stands where this cannot be said.
        ChangedMeanwhile: somebody decided at this moment.
    """
    row = _own_at(session, sender, prediction_id, if_version)
    if body.prdtypecode is not None:
        taxonomy.require(body.prdtypecode)
    if row.status not in FITTING[body.kind]:
        raise NotSayable(body.kind, Status(row.status))
    code = row.current_code if body.kind is Feedback.CONFIRMED else body.prdtypecode
    if not feedback.say(session, row.id, version=row.version, feedback=body.kind, code=code, reason=body.reason):
        raise ChangedMeanwhile
    _trace(session, sender, row, action="feedback", kind=body.kind.value, code=code)
    session.refresh(row)
    return row


def withdraw(session: Session, sender: Account, prediction_id: str, *, if_version: int | None) -> None:
    """Take the sender's word back; nothing happens where there is none.

    Raises:
        UnknownPrediction: there is no such product, or they did not send it.
        StaleVersion: ``if_version`` is not its version.
    """
    row = _own_at(session, sender, prediction_id, if_version)
    if feedback.withdraw(session, row.id):
        _trace(session, sender, row, action="withdraw", kind=row.feedback, code=row.feedback_code)


def find_own(session: Session, sender: Account, prediction_id: str) -> Prediction:
    """A product that the account has sent and not erased.

    Raises:
        UnknownPrediction: there is no such product.
    """
    row = find(session, prediction_id, sender)
    if row.owner_id != sender.id or row.erase_requested_at is not None:
        raise UnknownPrediction
    return row


def _own_at(session: Session, sender: Account, prediction_id: str, if_version: int | None) -> Prediction:
    row = find_own(session, sender, prediction_id)
    if if_version is not None and row.version != if_version:
        raise StaleVersion(f"The prediction's version is {row.version}.")
    return row


def _trace(
    session: Session, sender: Account, row: Prediction, *, action: str, kind: str | None, code: int | None
) -> None:
    detail = {"kind": kind, "prdtypecode": code}
    audit.record(session, actor=sender.id, action=action, subject=f"prediction/{row.id}", detail=detail)
