"""What a sender says."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.fields import Code, Reason
from core.domain.feedback import Feedback


class FeedbackBody(BaseModel):
    """The answer is right (``confirmed``), another code fits (``proposed``), or it is wrong (``disputed``).

    ``proposed`` names the code, ``disputed`` may, ``confirmed`` does not: it means the current one.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    kind: Annotated[Feedback, Field(strict=False)]  # JSON spells a word out
    prdtypecode: Code | None = None
    reason: Reason | None = None

    @model_validator(mode="after")
    def _names_what_it_means(self) -> Self:
        if self.kind is Feedback.PROPOSED and self.prdtypecode is None:
            raise ValueError("a proposal names the code that fits")
        if self.kind is Feedback.CONFIRMED and self.prdtypecode is not None:
            raise ValueError("a confirmation means the current code and names none")
        return self
