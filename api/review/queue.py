"""The review queue: what is offered next to whom, what is put aside, and how much is left."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.deps import PartsDep, ReviewerDep, TaxonomyDep, open_to
from api.errors import problems
from api.fields import Code, Moment
from api.predictions.queries import Confidence
from api.review.desk import ReviewerDeskDep
from api.review.schemas import LeasedRead, ProgressRead
from api.strict import StrictRoute
from core.db.repositories import leases, progress
from core.db.repositories.predictions import Filter, Order
from core.db.session import transact
from core.domain.feedback import Feedback
from core.domain.product import Modality

router = APIRouter(tags=["review"], route_class=StrictRoute)


class QueueQuery(BaseModel):
    """Which of the pending products somebody wants to review, and in which order. Every condition has to hold."""

    model_config = ConfigDict(extra="forbid")

    order: Literal[Order.UNCERTAIN, Order.NEWEST, Order.OLDEST] = Order.UNCERTAIN
    code: Annotated[Code | None, Field(description="the current code")] = None
    modality: Modality | None = None
    feedback: Annotated[Feedback | None, Field(description="what the sender said of the answer")] = None
    min_confidence: Confidence | None = None
    max_confidence: Confidence | None = None
    created_since: Moment | None = None
    created_until: Annotated[Moment | None, Field(description="sent before this moment")] = None

    def to_filter(self) -> Filter:
        """The conditions without the order."""
        return Filter(**self.model_dump(exclude={"order"}))


@router.get(
    "/review/next",
    response_model=LeasedRead,
    responses={204: {"description": "Nothing is free"}, **problems(401, 403, 422, 503)},
    openapi_extra=open_to("reviewer"),
)
def take_next(
    asked: Annotated[QueueQuery, Query()],
    reviewer: ReviewerDep,
    parts: PartsDep,
    taxonomy: TaxonomyDep,
    response: Response,
) -> Any:
    """Lease the next product to review; asked again, the same person gets the same one until they decide about it.

    A lease keeps a product from being offered to others for a while; whoever decides first wins all the same. Nobody
    is offered a product that they sent, or that they put aside a while ago.
    """
    wanted, lease_s = asked.to_filter(), parts.settings.loop.lease_s
    row = transact(parts.sessions, lambda session: leases.take(session, reviewer.id, wanted, asked.order, lease_s))
    if row is None:
        return Response(status_code=204)
    response.headers["ETag"] = f'"{row.version}"'
    return LeasedRead.from_row(row, taxonomy)


@router.post(
    "/predictions/{prediction_id}/skip",
    status_code=204,
    responses=problems(401, 403, 404, 409, 412, 422, 503),
    openapi_extra=open_to("reviewer", owner="never"),
)
def skip_prediction(prediction_id: str, desk: ReviewerDeskDep) -> Response:
    """Put a pending product aside: others are offered it at once, the caller not before a day has gone by."""
    desk.skip(prediction_id)
    return Response(status_code=204)


@router.get("/review/progress", responses=problems(401, 403, 422, 503), openapi_extra=open_to("reviewer"))
def read_progress(reviewer: ReviewerDep, parts: PartsDep) -> ProgressRead:
    """How many products are left to decide, and how many the caller decided about today (UTC) and in the last hour."""
    with parts.readers() as session:
        return ProgressRead.from_progress(progress.of(session, reviewer.id))
