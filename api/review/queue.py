"""The review queue: what is offered next to whom, what is put aside, and how much is left."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.deps import PartsDep, ReviewerDep, TaxonomyDep, open_to
from api.errors import problems
from api.fields import Code, Moment
from api.predictions.queries import Confidence
from api.review.desk import ReviewerDeskDep
from api.review.schemas import MOST_IN_HAND, LeasedRead, PredictionId, ProgressRead, Release
from api.strict import StrictRoute
from core.db.repositories import leases, progress
from core.db.repositories.predictions import Filter, Order
from core.db.session import transact
from core.domain.feedback import Feedback
from core.domain.language import Language
from core.domain.product import Modality

router = APIRouter(tags=["review"], route_class=StrictRoute)

_OPEN = open_to("reviewer")


class QueueFilter(BaseModel):
    """Which products somebody wants to review. Every condition has to hold."""

    model_config = ConfigDict(extra="forbid")

    second_opinion: Annotated[
        bool, Field(description="accepted labels that look wrong and are another's, instead of what is pending")
    ] = False
    code: Annotated[Code | None, Field(description="the current code")] = None
    modality: Modality | None = None
    language: Annotated[Language | None, Field(description="the likely language of the text")] = None
    feedback: Annotated[Feedback | None, Field(description="what the sender said of the answer")] = None
    min_confidence: Confidence | None = None
    max_confidence: Confidence | None = None
    created_since: Moment | None = None
    created_until: Annotated[Moment | None, Field(description="sent before this moment")] = None

    def to_filter(self) -> Filter:
        """The conditions."""
        asked = self.model_dump(include=set(QueueFilter.model_fields))
        return Filter(**{**asked, "second_opinion": self.second_opinion or None})


class QueueQuery(QueueFilter):
    """What somebody wants to review next, and in which order."""

    order: Literal[Order.UNCERTAIN, Order.NEWEST, Order.OLDEST] = Order.UNCERTAIN
    besides: Annotated[
        list[PredictionId], Field(max_length=MOST_IN_HAND, description="what the caller has in hand: it is not given")
    ] = []


@router.get(
    "/review/next",
    response_model=LeasedRead,
    responses={204: {"description": "Nothing is free"}, **problems(401, 403, 422, 503)},
    openapi_extra=_OPEN,
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
    is offered a product that they sent, or that they put aside a while ago. To have the next product ready, ask for
    one `besides` what is in hand: shown, ready, or just being decided. Whoever holds one is then given no second (204)
    where others are at work for all that is free.
    """
    wanted, lease_s = asked.to_filter(), parts.settings.loop.lease_s
    row = transact(
        parts.sessions,
        lambda session: leases.take(session, reviewer.id, wanted, asked.order, lease_s, asked.besides),
    )
    if row is None:
        return Response(status_code=204)
    response.headers["ETag"] = f'"{row.version}"'
    return LeasedRead.from_row(row, taxonomy)


@router.post(
    "/predictions/{prediction_id}/lease",
    responses=problems(401, 403, 404, 409, 412, 422, 503),
    openapi_extra=open_to("reviewer", owner="never"),
)
def hold_prediction(prediction_id: str, desk: ReviewerDeskDep, response: Response) -> LeasedRead:
    """Lease this very product, or lengthen the lease: one that was just undone, or that takes a long look.

    Nobody needs a lease to decide.
    """
    return desk.hold(response, prediction_id)


@router.post("/review/release", status_code=204, responses=problems(401, 403, 422, 503), openapi_extra=_OPEN)
def release_predictions(body: Release, reviewer: ReviewerDep, parts: PartsDep) -> Response:
    """End the caller's own leases on these products: others are offered them at once. Other leases stay."""
    transact(parts.sessions, lambda session: leases.release(session, reviewer.id, body.ids))
    return Response(status_code=204)


@router.post(
    "/predictions/{prediction_id}/skip",
    status_code=204,
    responses=problems(401, 403, 404, 409, 412, 422, 503),
    openapi_extra=open_to("reviewer", owner="never"),
)
def skip_prediction(prediction_id: str, desk: ReviewerDeskDep) -> Response:
    """Put a product of a queue aside: others are offered it at once, the caller not before a day has gone by."""
    desk.skip(prediction_id)
    return Response(status_code=204)


@router.get("/review/progress", responses=problems(401, 403, 422, 503), openapi_extra=_OPEN)
def read_progress(asked: Annotated[QueueFilter, Query()], reviewer: ReviewerDep, parts: PartsDep) -> ProgressRead:
    """How many products are left to decide, all and those that are asked for, and how many the caller decided about.

    Today is UTC's; the pace is that of the last ten minutes.
    """
    with parts.readers() as session:
        return ProgressRead.from_progress(progress.of(session, reviewer.id, asked.to_filter()))
