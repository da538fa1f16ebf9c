"""Deciding about predictions."""

from fastapi import APIRouter, Response

from api.deps import CallerDep, PartsDep, open_to
from api.errors import problems
from api.predictions.schemas import PredictionRead
from api.predictions.service import find
from api.review import queue
from api.review.bulk import decide_all, undo_all
from api.review.desk import AdminDeskDep, ReviewerDeskDep
from api.review.refusals import CodeWithRejection
from api.review.schemas import (
    BulkDecision,
    BulkRead,
    BulkUndo,
    Correction,
    Decision,
    HistoryRead,
    Keeping,
    Modification,
    TakingBack,
    VerdictRead,
)
from api.strict import StrictRoute
from core.db.repositories import verdicts
from core.domain.roles import Role

router = APIRouter(tags=["review"], route_class=StrictRoute)
router.include_router(queue.router)

_REFUSALS = problems(401, 403, 404, 409, 412, 422, 503)
_NEVER_ONE_S_OWN = open_to("reviewer", owner="never")


@router.post("/predictions/{prediction_id}/validate", responses=_REFUSALS, openapi_extra=_NEVER_ONE_S_OWN)
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


@router.patch("/predictions/{prediction_id}", responses=_REFUSALS, openapi_extra=_NEVER_ONE_S_OWN)
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


@router.post("/predictions/{prediction_id}/undo", responses=_REFUSALS, openapi_extra=_NEVER_ONE_S_OWN)
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


@router.post("/predictions/{prediction_id}/correct", responses=_REFUSALS, openapi_extra=open_to("admin", owner="never"))
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


@router.post("/predictions/{prediction_id}/keep", responses=_REFUSALS, openapi_extra=_NEVER_ONE_S_OWN)
def keep_label(prediction_id: str, desk: ReviewerDeskDep, response: Response) -> PredictionRead:
    """Say that a label marked for a second opinion is right as it is. Who gave the label cannot say so."""
    return desk.settle(
        response,
        "keep",
        prediction_id,
        Keeping(),
        lambda reviews, version: reviews.keep(prediction_id, if_version=version),
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
    return desk.settle_all("validate", body, lambda reviews: decide_all(reviews, body))


@router.post("/predictions/undo", responses=_REFUSALS, openapi_extra=open_to("reviewer"))
def undo_verdicts(body: BulkUndo, desk: ReviewerDeskDep) -> BulkRead:
    """Undo up to 200 verdicts, all or none, each as alone; a refusal names the first item that was refused."""
    return desk.settle_all("undo", body, lambda reviews: undo_all(reviews, body))


@router.get(
    "/predictions/{prediction_id}/history",
    responses=problems(401, 404, 422, 503),
    openapi_extra=open_to("customer"),
)
def read_history(prediction_id: str, caller: CallerDep, parts: PartsDep) -> HistoryRead:
    """Every decision on a prediction, oldest first. Only staff learn who decided."""
    with parts.readers() as session:
        find(session, prediction_id, caller)
        decided = verdicts.of_prediction(session, prediction_id)
    names_shown = caller.role.covers(Role.REVIEWER)
    return HistoryRead(items=[VerdictRead.from_row(row, name if names_shown else None) for row, name in decided])
