"""The sender's word about an answer."""

from fastapi import APIRouter, Response

from api.deps import CallerDep, PartsDep, TaxonomyDep, open_to
from api.errors import problems
from api.feedback.schemas import FeedbackBody
from api.feedback.service import find_own, give, withdraw
from api.predictions.schemas import PredictionRead
from api.requests import TermsDep
from api.strict import StrictRoute

router = APIRouter(tags=["predictions"], route_class=StrictRoute)

_FOR_ITS_SENDER = open_to("customer", owner="only")


@router.post(
    "/predictions/{prediction_id}/feedback",
    responses=problems(401, 404, 409, 412, 422, 503),
    openapi_extra=_FOR_ITS_SENDER,
)
def give_feedback(
    prediction_id: str,
    body: FeedbackBody,
    caller: CallerDep,
    parts: PartsDep,
    taxonomy: TaxonomyDep,
    terms: TermsDep,
    response: Response,
) -> PredictionRead:
    """Say what one thinks of the answer to one's own product; the newest word replaces the one before.

    It decides nothing: reviewers see it, and may ask for the disputed ones first.
    """
    row = terms.settle(
        parts.sessions,
        actor_id=caller.id,
        request=("feedback", prediction_id, body.model_dump(mode="json")),
        decide=lambda session: give(session, caller, prediction_id, body, taxonomy, if_version=terms.if_version),
        repeated=lambda session: find_own(session, caller, prediction_id),
    )
    response.headers["ETag"] = f'"{row.version}"'
    return PredictionRead.from_row(row, taxonomy)


@router.delete(
    "/predictions/{prediction_id}/feedback",
    status_code=204,
    responses=problems(401, 404, 409, 412, 422, 503),
    openapi_extra=_FOR_ITS_SENDER,
)
def withdraw_feedback(prediction_id: str, caller: CallerDep, parts: PartsDep, terms: TermsDep) -> Response:
    """Take back what one said of the answer; also where one has said nothing."""
    terms.settle(
        parts.sessions,
        actor_id=caller.id,
        request=("withdraw feedback", prediction_id),
        decide=lambda session: withdraw(session, caller, prediction_id, if_version=terms.if_version),
        repeated=lambda session: None,
    )
    return Response(status_code=204)
