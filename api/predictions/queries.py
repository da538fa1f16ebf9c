"""Which predictions a list or an export is asked for."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from api.accounts.service import Account
from api.errors import Forbidden
from api.fields import Code, Moment
from api.predictions.schemas import ModelName
from core.db.repositories.predictions import Filter, Order
from core.domain.feedback import Feedback
from core.domain.language import Language
from core.domain.product import Modality
from core.domain.review import Status
from core.domain.roles import Role

Confidence = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class FilterQuery(BaseModel):
    """Every condition that is given has to hold. Moments are inclusive, but for ``created_until``."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    status: Status | None = None
    code: Annotated[Code | None, Field(description="the current code")] = None
    suggested_code: Code | None = None
    owner: Annotated[str | None, Field(max_length=36, description="who sent it; for reviewers and admins")] = None
    modality: Modality | None = None
    language: Annotated[Language | None, Field(description="the likely language of the text")] = None
    model: ModelName | None = None
    model_version: Annotated[str | None, Field(pattern=r"^[0-9a-f]{64}$")] = None
    epoch: Annotated[int | None, Field(ge=0, le=2**31 - 1)] = None
    min_confidence: Confidence | None = None
    max_confidence: Confidence | None = None
    feedback: Feedback | None = None
    unanswered: Annotated[bool, Field(description="only where the sender spoke after the last decision")] = False
    second_opinion: bool | None = None
    created_since: Moment | None = None
    created_until: Moment | None = None
    updated_since: Moment | None = None

    def to_filter(self, caller: Account) -> Filter:
        """What ``caller`` may see of what is asked for: a customer only their own, erased products only an admin.

        Raises:
            Forbidden: a customer asks for somebody else's.
        """
        owner_id = self.owner
        if not caller.role.covers(Role.REVIEWER):
            if owner_id not in (None, caller.id):
                raise Forbidden("Only reviewers and admins may ask for what somebody else has sent.")
            owner_id = caller.id
        return Filter(
            status=self.status,
            code=self.code,
            suggested_code=self.suggested_code,
            owner_id=owner_id,
            modality=self.modality,
            language=self.language,
            model_name=self.model,
            model_version=self.model_version,
            epoch=self.epoch,
            min_confidence=self.min_confidence,
            max_confidence=self.max_confidence,
            feedback=self.feedback,
            unanswered=self.unanswered,
            second_opinion=self.second_opinion,
            created_since=self.created_since,
            created_until=self.created_until,
            updated_since=self.updated_since,
            erased=caller.role.covers(Role.ADMIN),
        )


class PageQuery(FilterQuery):
    """One page of a list."""

    order: Annotated[
        Order | None, Field(description="without one: the newest first, or with `updated_since` by their last change")
    ] = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Field(max_length=256)] = None

    @property
    def sorted_by(self) -> Order:
        """The order that is asked for: whoever asks what has changed reads the changes as they came."""
        if self.order is not None:
            return self.order
        return Order.NEWEST if self.updated_since is None else Order.UPDATED
