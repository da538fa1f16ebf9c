"""What a reviewer wants to see, as it stands in the page's address."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.fields import Code
from api.review.schemas import MOST_IN_HAND, PredictionId
from core.db.repositories.predictions import Filter, Order
from core.domain.feedback import Feedback
from core.domain.language import Language
from core.domain.product import Modality

_Percent = Annotated[int, Field(ge=0, le=100)]


class DeskQuery(BaseModel):
    """Which products the desk shows, and in which order. Every condition has to hold.

    ``least`` and ``most`` bound the confidence in per cent; ``days`` asks for products that have waited longer.
    """

    model_config = ConfigDict(extra="forbid")

    order: Literal[Order.UNCERTAIN, Order.NEWEST, Order.OLDEST] = Order.UNCERTAIN
    code: Code | None = None
    modality: Modality | None = None
    language: Language | None = None
    feedback: Feedback | None = None
    least: _Percent | None = None
    most: _Percent | None = None
    days: Annotated[int | None, Field(ge=1, le=365)] = None

    def to_filter(self, now: datetime, **more: object) -> Filter:
        """The conditions without the order; ``now`` is naive UTC."""
        return Filter(
            code=self.code,
            modality=self.modality,
            language=self.language,
            feedback=self.feedback,
            min_confidence=None if self.least is None else self.least / 100,
            max_confidence=None if self.most is None else self.most / 100,
            created_until=None if self.days is None else now - timedelta(days=self.days),
            **more,
        )

    @property
    def is_narrowed(self) -> bool:
        """Whether anything is asked for besides an order."""
        return bool(self.model_dump(exclude={"order"}, exclude_none=True))


class CardQuery(DeskQuery):
    """The next product: none of ``besides``, which the page shows, has loaded, or has decided a moment ago.

    ``opinions`` asks for accepted labels that look wrong instead of products that wait for a label.
    """

    besides: Annotated[list[PredictionId], Field(max_length=MOST_IN_HAND)] = []
    opinions: bool = False


class GridQuery(DeskQuery):
    """One page of the grid."""

    cursor: Annotated[str | None, Field(max_length=256)] = None
