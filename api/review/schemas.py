"""What the review routes take and give."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.fields import Code, Reason
from api.predictions.schemas import PredictionRead
from core.db.models import Prediction, Verdict
from core.db.repositories.progress import Progress
from core.domain.taxonomy import Taxonomy

MOST_ITEMS = 200
MOST_IN_HAND = 5
"""Products that somebody shows, has ready or is just deciding."""

_Item = TypeVar("_Item", bound="ItemToUndo")
PredictionId = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Decision(_Body):
    """Accept a prediction with its current code or with ``prdtypecode``, or reject it."""

    accept: bool
    prdtypecode: Code | None = None
    reason: Reason | None = None


class Modification(_Body):
    """Another code for a pending prediction."""

    prdtypecode: Code


class Correction(_Body):
    """Another code for a row of the training store."""

    prdtypecode: Code
    reason: Reason | None = None


class TakingBack(_Body):
    """Why a verdict is undone, or a label retracted."""

    reason: Reason | None = None


class Keeping(_Body):
    """That a doubted label stays says everything."""


class ItemToUndo(_Body):
    """One of several verdicts to undo; ``version`` is the only one it may be undone on."""

    id: PredictionId
    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None


class BulkItem(ItemToUndo):
    """One of several decisions; ``version`` is the only one it may be made on."""

    accept: bool = True
    prdtypecode: Code | None = None


def _each_once(items: list[_Item]) -> list[_Item]:
    if len({item.id for item in items}) < len(items):
        raise ValueError("a prediction stands in it twice")
    return items


class BulkDecision(_Body):
    """Several decisions, all or none. A prediction stands in it once."""

    items: Annotated[list[BulkItem], Field(min_length=1, max_length=MOST_ITEMS), AfterValidator(_each_once)]
    reason: Reason | None = None


class BulkUndo(_Body):
    """Several verdicts to undo, all or none. A prediction stands in it once."""

    items: Annotated[list[ItemToUndo], Field(min_length=1, max_length=MOST_ITEMS), AfterValidator(_each_once)]
    reason: Reason | None = None


class Release(_Body):
    """Products that somebody lets go of."""

    ids: Annotated[list[PredictionId], Field(min_length=1, max_length=MOST_IN_HAND + 1)]


class BulkRead(BaseModel):
    """The predictions after their decisions, in the order in which they were sent."""

    items: list[PredictionRead]


class LeasedRead(PredictionRead):
    """A product to review. Until ``leased_until`` nobody else is offered it; anybody may still decide it."""

    leased_until: datetime

    @classmethod
    def from_row(cls, row: Prediction, taxonomy: Taxonomy) -> Self:
        """Render a leased row.

        Raises:
            ValueError: nobody holds it.
        """
        if row.leased_until is None:
            raise ValueError("expected a leased row. Received: one that nobody holds")
        shown = PredictionRead.from_row(row, taxonomy).model_dump()
        return cls(**shown, leased_until=row.leased_until.replace(tzinfo=UTC))


class ProgressRead(BaseModel):
    """What is left to decide, and what the caller decided: products accepted, rejected or corrected, each once.

    ``remaining`` are all pending products that the caller did not send, also those that others hold at the moment;
    ``matching`` those of the queue that the question leaves, counted up to 1,000 and not exact where there are more.
    """

    remaining: int
    matching: int
    matching_is_exact: bool
    decided_today: int
    decided_last_hour: int
    pace_per_minute: float | None

    @classmethod
    def from_progress(cls, found: Progress) -> Self:
        """Render the numbers."""
        return cls(**asdict(found))


class VerdictRead(BaseModel):
    """One decision: what was done, the code after it, when, and for staff by whom."""

    version: int
    action: Literal["validate", "reject", "modify", "undo", "reopen", "correct", "retract", "erase"]
    prdtypecode: int | None
    reason: str | None
    decided_at: datetime
    reviewer: str | None

    @classmethod
    def from_row(cls, row: Verdict, reviewer: str | None) -> Self:
        """Render a verdict; ``reviewer`` is the name to show, or None."""
        return cls.model_validate(
            {
                "version": row.prediction_version,
                "action": row.action,
                "prdtypecode": row.prdtypecode,
                "reason": row.reason,
                "decided_at": row.decided_at.replace(tzinfo=UTC),
                "reviewer": reviewer,
            }
        )


class HistoryRead(BaseModel):
    """Every decision on a prediction, oldest first."""

    items: list[VerdictRead]
