"""Deciding about predictions."""

from fastapi import APIRouter, Response

from api.deps import open_to
from api.errors import problems
from api.predictions.schemas import PredictionRead
from api.review.bulk import decide_all
from api.review.desk import AdminDeskDep, ReviewerDeskDep
from api.review.schemas import BulkDecision, BulkRead, Correction, Decision, Modification, TakingBack
from api.review.service import CodeWithRejection
from api.strict import StrictRoute

router = APIRouter(tags=["review"], route_class=StrictRoute)

_REFUSALS = problems(401, 403, 404, 409, 412, 422, 503)


@router.post("/predictions/{prediction_id}/validate", responses=_REFUSALS, openapi_extra=open_to("reviewer"))
def validate_prediction(
    prediction_id: str, body: Decision, desk: ReviewerDeskDep, response: Response
) -> PredictionRead:
    """Accept a pending prediction, with its current code or another in the same step, or reject it."""
    if not body.accept and body.prdtypecode is not None:
        raise CodeWithRejection
    if not body.accept:
        return desk.settle(
            response,
            "validate",
            prediction_id,
            body,
            lambda reviews, version: reviews.reject(prediction_id, reason=body.reason, if_version=version),
        )
    return desk.settle(
        response,
        "validate",
        prediction_id,
        body,
        lambda reviews, version: reviews.validate(
            prediction_id, code=body.prdtypecode, reason=body.reason, if_version=version
        ),
    )


@router.patch("/predictions/{prediction_id}", responses=_REFUSALS, openapi_extra=open_to("reviewer"))
def modify_prediction(
    prediction_id: str, body: Modification, desk: ReviewerDeskDep, response: Response
) -> PredictionRead:
    """Replace a pending prediction's current code with the reviewer's."""
    return desk.settle(
        response,
        "modify",
        prediction_id,
        body,
        lambda reviews, version: reviews.modify(prediction_id, code=body.prdtypecode, if_version=version),
    )


@router.post("/predictions/{prediction_id}/undo", responses=_REFUSALS, openapi_extra=open_to("reviewer"))
def undo_verdict(
    prediction_id: str, desk: ReviewerDeskDep, response: Response, body: TakingBack | None = None
) -> PredictionRead:
    """Put a decided prediction back into the queue, while no batch has claimed it; a retracted one (admins) always."""
    why = body or TakingBack()
    return desk.settle(
        response,
        "undo",
        prediction_id,
        why,
        lambda reviews, version: reviews.undo(prediction_id, reason=why.reason, if_version=version),
    )


@router.post("/predictions/{prediction_id}/correct", responses=_REFUSALS, openapi_extra=open_to("admin"))
def correct_prediction(prediction_id: str, body: Correction, desk: AdminDeskDep, response: Response) -> PredictionRead:
    """Give a row of the training store another code; the next snapshot holds the new row and not the old one."""
    return desk.settle(
        response,
        "correct",
        prediction_id,
        body,
        lambda reviews, version: reviews.correct(
            prediction_id, code=body.prdtypecode, reason=body.reason, if_version=version
        ),
    )


@router.post("/predictions/{prediction_id}/retract", responses=_REFUSALS, openapi_extra=open_to("admin"))
def retract_prediction(
    prediction_id: str, desk: AdminDeskDep, response: Response, body: TakingBack | None = None
) -> PredictionRead:
    """Take an accepted label back; the next snapshot is without it."""
    why = body or TakingBack()
    return desk.settle(
        response,
        "retract",
        prediction_id,
        why,
        lambda reviews, version: reviews.retract(prediction_id, reason=why.reason, if_version=version),
    )


@router.post("/predictions/validate", responses=_REFUSALS, openapi_extra=open_to("reviewer"))
def validate_predictions(body: BulkDecision, desk: ReviewerDeskDep) -> BulkRead:
    """Decide about up to 200 pending predictions, all or none; a refusal names the first item that was refused."""
    ids = [item.id for item in body.items]
    return BulkRead(items=desk.settle_all(body, ids, lambda reviews: decide_all(reviews, body)))
