"""Verdicts. Each is one guarded change of the row with its verdict, outbox work and audit in one transaction.

What was read before only chooses the words of a refusal: the guarded statement decides.
"""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from api.accounts.service import Account
from api.errors import Forbidden, StaleVersion
from api.predictions.service import find
from api.review.refusals import (
    AlreadyClaimed,
    Erased,
    HeldByAnother,
    NotAccepted,
    NotDecided,
    NotDoubted,
    NotIngested,
    NotPending,
    OwnLabel,
    OwnProduct,
)
from core import failpoints, retraction
from core.db.models import Prediction
from core.db.repositories import audit, leases, outbox, predictions, second_opinions, verdicts
from core.db.repositories.second_opinions import Doubt
from core.domain.review import (
    CORRECT,
    MODIFY,
    REJECT,
    REOPEN,
    UNDO,
    VALIDATE,
    Move,
    OutboxKind,
    Status,
    contradicts,
    fit_of,
)
from core.domain.roles import Role
from core.domain.taxonomy import Taxonomy
from core.errors import Conflict
from core.retraction import ChangedMeanwhile

_WORK_OF_VERDICT = {Status.VALIDATED: OutboxKind.APPEND, Status.REJECTED: OutboxKind.ARCHIVE}


@dataclass(frozen=True, slots=True)
class ReviewService:
    """A reviewer's decisions within one transaction.

    Every method raises ``UnknownPrediction`` where there is no such prediction, ``StaleVersion`` where
    ``if_version`` is not its version, and ``ChangedMeanwhile`` where somebody else was faster by a moment. All but
    ``retract`` raise ``OwnProduct`` where the reviewer has sent the product: nobody vouches for their own.

    Attributes:
        session: the open transaction; whoever opened it ends it.
        taxonomy: the categories that may be chosen.
        reviewer: who decides.
        very_confident: from which confidence of the model on a label against it needs a second opinion, in [0, 1].
    """

    session: Session
    taxonomy: Taxonomy
    reviewer: Account
    very_confident: float

    def validate(
        self, prediction_id: str, *, code: int | None, reason: str | None, if_version: int | None
    ) -> Prediction:
        """Accept the current code, or ``code`` in the same step; the row waits for the training store from now on.

        A code that goes against a very confident model is marked for a second opinion in the same transaction.

        Raises:
            UnknownCode, NotPending
        """
        row = self._pending(prediction_id, if_version)
        accepted = row.current_code if code is None else code
        self.taxonomy.require(accepted)
        self._move(row, VALIDATE, accepted, if_version)
        self._doubt(row, accepted)
        return self._record(row, VALIDATE, accepted, reason)

    def reject(self, prediction_id: str, *, reason: str | None, if_version: int | None) -> Prediction:
        """Refuse the product: it will be archived and never be trained on.

        Raises:
            NotPending
        """
        row = self._pending(prediction_id, if_version)
        return self._make(row, REJECT, row.current_code, reason, if_version)

    def modify(self, prediction_id: str, *, code: int, if_version: int | None) -> Prediction:
        """Replace the current code; the prediction stays pending and the suggestion stays what it was.

        Raises:
            UnknownCode, NotPending
        """
        row = self._pending(prediction_id, if_version)
        self.taxonomy.require(code)
        return self._make(row, MODIFY, code, None, if_version)

    def undo(self, prediction_id: str, *, reason: str | None, if_version: int | None) -> Prediction:
        """Put a decided prediction back into the queue: before a batch claimed it, or (admins) after its retraction.

        Raises:
            NotDecided, AlreadyClaimed, Erased
            Forbidden: it is retracted, and the reviewer is no admin.
        """
        row = self._found(prediction_id, if_version)
        status = Status(row.status)
        if status == Status.RETRACTED:
            return self._reopen(row, reason, if_version)
        if status not in UNDO.allowed:
            raise AlreadyClaimed if status in (Status.INGESTED, Status.ARCHIVED) else NotDecided(status)
        self._move(row, UNDO, row.current_code, if_version)
        if not outbox.withdraw(self.session, row.id, _WORK_OF_VERDICT[status], row.version):
            raise AlreadyClaimed
        return self._record(row, UNDO, row.current_code, reason)

    def _reopen(self, row: Prediction, reason: str | None, if_version: int | None) -> Prediction:
        if not self.reviewer.role.covers(Role.ADMIN):
            raise Forbidden("Reopening a retracted prediction takes the role admin.")
        if row.erase_requested_at is not None:
            raise Erased
        return self._make(row, REOPEN, row.current_code, reason, if_version)

    def correct(self, prediction_id: str, *, code: int, reason: str | None, if_version: int | None) -> Prediction:
        """Give a row of the training store another code: its old row goes and a new one comes in one snapshot.

        The new code may need a second opinion like one that is accepted.

        Raises:
            UnknownCode, NotIngested
        """
        row = self._found(prediction_id, if_version)
        if row.status not in CORRECT.allowed:
            raise NotIngested(Status(row.status))
        self.taxonomy.require(code)
        self._move(row, CORRECT, code, if_version)
        # A correction that no batch has claimed yet is superseded; its retraction stays, for the row before it.
        outbox.withdraw(self.session, row.id, OutboxKind.APPEND)
        self._doubt(row, code)
        return self._record(row, CORRECT, code, reason)

    def retract(self, prediction_id: str, *, reason: str | None, if_version: int | None) -> Prediction:
        """Take an accepted label back: its row leaves the training store with the next batch, or never joins it.

        Raises:
            NotAccepted
        """
        row = self._at(find(self.session, prediction_id, self.reviewer), if_version)
        taken = retraction.retract(self.session, row, actor_id=self.reviewer.id, reason=reason, urgent=True)
        if taken is None:
            raise self._overtaken(row, if_version) or NotAccepted(Status(row.status))
        self.session.refresh(row)
        return row

    def keep(self, prediction_id: str, *, if_version: int | None) -> Prediction:
        """Say that a doubted label is right as it is: no training doubts it again. Nothing changes in the store.

        Raises:
            NotDoubted
            OwnLabel: the reviewer has given the product this code before, accepted or only proposed.
        """
        row = self._found(prediction_id, if_version)
        if verdicts.has_said(self.session, row.id, self.reviewer.id, row.current_code):
            raise OwnLabel
        if not second_opinions.keep(self.session, row.id, version=row.version):
            raise self._overtaken(row, if_version) or NotDoubted
        subject = f"prediction/{row.id}"
        audit.record(
            self.session, actor=self.reviewer.id, action="keep", subject=subject, detail={"code": row.current_code}
        )
        self.session.refresh(row)
        return row

    def hold(self, prediction_id: str, *, lease_s: int, if_version: int | None) -> Prediction:
        """Keep a product of a queue for the reviewer for ``lease_s`` seconds from now.

        Raises:
            NotPending
            HeldByAnother
        """
        row = self._queued(prediction_id, if_version)
        if not leases.hold(self.session, self.reviewer.id, row.id, lease_s):
            raise self._overtaken(row, if_version) or HeldByAnother
        self.session.refresh(row)
        return row

    def skip(self, prediction_id: str, *, skip_s: int, if_version: int | None) -> None:
        """Put a product of a queue aside for ``skip_s`` seconds: others may be offered it at once. Nothing is decided.

        Raises:
            NotPending
        """
        row = self._queued(prediction_id, if_version)
        leases.put_aside(self.session, self.reviewer.id, row.id, skip_s)

    def _found(self, prediction_id: str, if_version: int | None) -> Prediction:
        """A product that the reviewer may decide about."""
        row = find(self.session, prediction_id, self.reviewer)
        if row.owner_id == self.reviewer.id:  # it never changes hands, so no later guard is needed
            raise OwnProduct
        return self._at(row, if_version)

    def _at(self, row: Prediction, if_version: int | None) -> Prediction:
        if if_version is not None and row.version != if_version:
            raise StaleVersion(f"The prediction's version is {row.version}.")
        return row

    def _pending(self, prediction_id: str, if_version: int | None) -> Prediction:
        row = self._found(prediction_id, if_version)
        if row.status != Status.PENDING:
            raise NotPending(Status(row.status))
        return row

    def _queued(self, prediction_id: str, if_version: int | None) -> Prediction:
        """A product that waits for somebody's look: at the product, or once more at its label."""
        row = self._found(prediction_id, if_version)
        if row.status != Status.PENDING and not row.second_opinion:
            raise NotPending(Status(row.status))
        return row

    def _overtaken(self, row: Prediction, if_version: int | None) -> Conflict | None:
        """The refusal that fits a guard that failed; None where the row's version is still the one that was read."""
        version = predictions.version_of(self.session, row.id)
        if version == row.version:
            return None
        return ChangedMeanwhile() if if_version is None else StaleVersion(f"The prediction's version is {version}.")

    def _make(self, row: Prediction, move: Move, code: int, reason: str | None, if_version: int | None) -> Prediction:
        self._move(row, move, code, if_version)
        return self._record(row, move, code, reason)

    def _move(self, row: Prediction, move: Move, code: int, if_version: int | None) -> None:
        if not predictions.move(self.session, row.id, version=row.version, move=move, code=code):
            raise self._overtaken(row, if_version) or ChangedMeanwhile
        failpoints.reach("verdict.moved")

    def _doubt(self, row: Prediction, code: int) -> None:
        """Ask for a second opinion on a code just given, where it goes against a very confident model."""
        if contradicts(
            code, suggested=row.suggested_code, confidence=row.confidence, very_confident=self.very_confident
        ):
            doubt = Doubt(row.id, code, row.suggested_code, fit_of(code, row.answer["top_k"]))
            second_opinions.ask_at_once(self.session, doubt, version=row.version + 1)

    def _record(self, row: Prediction, move: Move, code: int, reason: str | None) -> Prediction:
        """Write the verdict of a move that was just made; ``row`` is still as it was before."""
        verdicts.record(
            self.session,
            prediction_id=row.id,
            version=row.version + 1,
            move=move,
            code=code,
            reviewer_id=self.reviewer.id,
            reason=reason,
            detail={"before": row.current_code},
        )
        failpoints.reach("verdict.recorded")
        self.session.refresh(row)
        return row
