"""What the retraining routes take and give."""

from datetime import UTC, datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict

from api.models.schemas import WrittenReason
from core.db.repositories.judgements import Answer
from core.db.repositories.retrain_requests import Wish


class RetrainOrder(BaseModel):
    """Why the model should be trained again now."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: WrittenReason


class RetrainRead(BaseModel):
    """A request for a retraining and how far it has come.

    ``waiting``: no run has taken it. ``taken``: the run ``run_key`` appends what waits and trains. ``judged``: a
    challenger was judged since; ``decision`` is what the gate said of ``package``. What is served, the ledger tells.
    ``requested_by`` is null where the watch over quality, or another job, asked: its ``reason`` says why.
    """

    id: str
    state: Literal["waiting", "taken", "judged"]
    reason: str
    requested_by: str | None
    requested_at: datetime
    run_key: str | None
    taken_at: datetime | None
    judged_at: datetime | None
    decision: str | None
    package: str | None

    @classmethod
    def of(cls, wish: Wish, answer: Answer | None) -> Self:
        """Render a request with the judgement that ended it, if there is one."""
        row = wish.request
        return cls(
            id=row.id,
            state="waiting" if row.taken_at is None else "taken" if answer is None else "judged",
            reason=row.reason,
            requested_by=wish.requested_by,
            requested_at=row.requested_at.replace(tzinfo=UTC),
            run_key=row.run_key,
            taken_at=_zoned(row.taken_at),
            judged_at=_zoned(answer.at if answer else None),
            decision=answer.decision if answer else None,
            package=answer.package if answer else None,
        )


def _zoned(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None else None
