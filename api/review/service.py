"""Verdicts. Each is one guarded change of the row with its verdict, outbox work and audit in one transaction."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from api.accounts.service import Account
from api.errors import StaleVersion
from api.predictions.service import find
from core.db.models import Prediction
from core.db.repositories import predictions, verdicts
from core.domain.review import MODIFY, REJECT, VALIDATE, Move, Status
from core.domain.taxonomy import Taxonomy
from core.errors import Conflict, Invalid


class CodeWithRejection(Invalid):
    """A rejection does not say what the product is instead."""

    code = "review.code_with_rejection"


class NotPending(Conflict):
    """The prediction has been decided already.

    Attributes:
        status: where it stands.
    """

    code = "review.not_pending"

    def __init__(self, status: Status) -> None:
        super().__init__(f"The prediction is {status}, not pending.")
        self.status = status


class ChangedMeanwhile(Conflict):
    """Somebody else changed the prediction at this moment."""

    code = "review.changed_meanwhile"


@dataclass(frozen=True, slots=True)
class ReviewService:
    """A reviewer's decisions within one transaction.

    Attributes:
        session: the open transaction; whoever opened it ends it.
        taxonomy: the categories that may be chosen.
        reviewer: who decides.
    """

    session: Session
    taxonomy: Taxonomy
    reviewer: Account

    def validate(
        self, prediction_id: str, *, code: int | None, reason: str | None, if_version: int | None
    ) -> Prediction:
        """Accept the current code, or ``code`` in the same step; the row waits for the training store from now on.

        Raises:
            UnknownPrediction, UnknownCode, StaleVersion, NotPending, ChangedMeanwhile
        """
        row = self._pending(prediction_id, if_version)
        accepted = row.current_code if code is None else code
        return self._decide(row, VALIDATE, accepted, reason)

    def reject(self, prediction_id: str, *, reason: str | None, if_version: int | None) -> Prediction:
        """Refuse the product: it will be archived and never be trained on.

        Raises:
            UnknownPrediction, StaleVersion, NotPending, ChangedMeanwhile
        """
        row = self._pending(prediction_id, if_version)
        return self._make(row, REJECT, row.current_code, reason)

    def modify(self, prediction_id: str, *, code: int, if_version: int | None) -> Prediction:
        """Replace the current code; the prediction stays pending and the suggestion stays what it was.

        Raises:
            UnknownPrediction, UnknownCode, StaleVersion, NotPending, ChangedMeanwhile
        """
        return self._decide(self._pending(prediction_id, if_version), MODIFY, code, None)

    def _pending(self, prediction_id: str, if_version: int | None) -> Prediction:
        row = find(self.session, prediction_id, self.reviewer)
        if if_version is not None and row.version != if_version:
            raise StaleVersion(f"The prediction's version is {row.version}.")
        if row.status != Status.PENDING:
            raise NotPending(Status(row.status))
        return row

    def _decide(self, row: Prediction, move: Move, code: int, reason: str | None) -> Prediction:
        self.taxonomy.require(code)
        return self._make(row, move, code, reason)

    def _make(self, row: Prediction, move: Move, code: int, reason: str | None) -> Prediction:
        before = row.current_code
        if not predictions.move(self.session, row.id, version=row.version, move=move, code=code):
            raise ChangedMeanwhile("Somebody else changed the prediction at this moment.")
        verdicts.record(
            self.session,
            prediction_id=row.id,
            version=row.version + 1,
            move=move,
            code=code,
            reviewer_id=self.reviewer.id,
            reason=reason,
            detail={"before": before},
        )
        self.session.refresh(row)
        return row
