"""What the retraction route takes and gives."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from api.fields import Reason, storable
from core.retraction import TakenBack


def _written(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("a time is written in ISO 8601, with its zone")
    return value


_Moment = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_written)]


class RetractionOrder(BaseModel):
    """Whose labels to take back: those decided from ``since`` until before ``until``, both with their time zone.

    With ``dry_run`` nothing is changed, and the answer says what would be.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    reviewer: Annotated[str, Field(min_length=1, max_length=64), AfterValidator(storable)]
    since: _Moment
    until: _Moment
    reason: Reason | None = None
    dry_run: bool = False


class TaintedModelRead(BaseModel):
    """A released model that learnt from at least one of the labels; ``served``: it answers now."""

    name: str
    version: str
    epoch: int
    manifest: int
    served: bool


class RetractionRead(BaseModel):
    """What was taken back: ``withdrawn`` before it reached the training store, ``retracted`` from it."""

    reviewer: str
    since: datetime
    until: datetime
    withdrawn: int
    retracted: int
    by_split: dict[str, int]
    models: list[TaintedModelRead]
    dry_run: bool

    @classmethod
    def from_taken(cls, order: RetractionOrder, taken: TakenBack) -> Self:
        """Render what was done of an order."""
        return cls(
            reviewer=taken.reviewer,
            since=order.since,
            until=order.until,
            withdrawn=taken.withdrawn,
            retracted=taken.retracted,
            by_split=dict(taken.by_split),
            models=[
                TaintedModelRead(
                    name=model.name,
                    version=model.version,
                    epoch=model.epoch,
                    manifest=model.manifest,
                    served=model.served,
                )
                for model in taken.models
            ],
            dry_run=taken.dry_run,
        )
