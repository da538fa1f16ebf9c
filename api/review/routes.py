"""Deciding about predictions."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Response
from sqlalchemy.orm import Session

from api.deps import PartsDep, ReviewerDep, TaxonomyDep, open_to
from api.errors import problems
from api.predictions.schemas import PredictionRead
from api.review.schemas import Decision, Modification
from api.review.service import CodeWithRejection, ReviewService
from api.strict import StrictRoute
from core.db.models import Prediction
from core.db.session import transact
from core.domain.taxonomy import Taxonomy
from core.errors import Invalid

router = APIRouter(tags=["review"], route_class=StrictRoute)

_ETAG = re.compile(r'"?([0-9]{1,9})"?')


class BadETag(Invalid):
    """An ``If-Match`` that no answer of ours gave out."""

    code = "request.bad_etag"


def get_if_match(if_match: Annotated[str | None, Header(max_length=64)] = None) -> int | None:
    """The version in ``If-Match``; None when there is none, or ``*``.

    Raises:
        BadETag: it is not one of ours.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    spelt = _ETAG.fullmatch(if_match.strip())
    if spelt is None:
        raise BadETag('If-Match holds a prediction\'s version in quotes, such as "1".')
    return int(spelt[1])


IfMatchDep = Annotated[int | None, Depends(get_if_match)]


@router.post(
    "/predictions/{prediction_id}/validate",
    responses=problems(401, 403, 404, 409, 412, 422, 503),
    openapi_extra=open_to("reviewer"),
)
def validate_prediction(
    prediction_id: str,
    body: Decision,
    reviewer: ReviewerDep,
    taxonomy: TaxonomyDep,
    parts: PartsDep,
    if_match: IfMatchDep,
    response: Response,
) -> PredictionRead:
    """Accept a pending prediction, with its current code or another in the same step, or reject it."""
    if not body.accept and body.prdtypecode is not None:
        raise CodeWithRejection("A rejection has no prdtypecode; to correct the code, accept with it.")

    def decide(session: Session) -> Prediction:
        reviews = ReviewService(session, taxonomy, reviewer)
        if not body.accept:
            return reviews.reject(prediction_id, reason=body.reason, if_version=if_match)
        return reviews.validate(prediction_id, code=body.prdtypecode, reason=body.reason, if_version=if_match)

    return _rendered(transact(parts.sessions, decide), taxonomy, response)


@router.patch(
    "/predictions/{prediction_id}",
    responses=problems(401, 403, 404, 409, 412, 422, 503),
    openapi_extra=open_to("reviewer"),
)
def modify_prediction(
    prediction_id: str,
    body: Modification,
    reviewer: ReviewerDep,
    taxonomy: TaxonomyDep,
    parts: PartsDep,
    if_match: IfMatchDep,
    response: Response,
) -> PredictionRead:
    """Replace a pending prediction's current code with the reviewer's."""

    def modify(session: Session) -> Prediction:
        reviews = ReviewService(session, taxonomy, reviewer)
        return reviews.modify(prediction_id, code=body.prdtypecode, if_version=if_match)

    return _rendered(transact(parts.sessions, modify), taxonomy, response)


def _rendered(row: Prediction, taxonomy: Taxonomy, response: Response) -> PredictionRead:
    response.headers["ETag"] = f'"{row.version}"'
    return PredictionRead.from_row(row, taxonomy)
