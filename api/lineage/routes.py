"""Where an answer comes from, and where a label went."""

from fastapi import APIRouter

from api.deps import PartsDep, ReviewerDep, open_to
from api.errors import problems
from api.lineage.schemas import LineageRead
from api.lineage.service import trace
from api.predictions.service import find
from api.strict import StrictRoute

router = APIRouter(tags=["predictions"], route_class=StrictRoute)


@router.get(
    "/predictions/{prediction_id}/lineage",
    responses=problems(401, 403, 404, 422, 503),
    openapi_extra=open_to("reviewer"),
)
def read_lineage(prediction_id: str, reviewer: ReviewerDep, parts: PartsDep) -> LineageRead:
    """From a prediction back to its model, that model's snapshot and the people who labelled it; and forward.

    Forward: from the product's own rows in the training store to every released model whose snapshot held them, and
    how many predictions each has answered.
    """
    with parts.readers() as session:
        return trace(session, parts.settings.store, find(session, prediction_id, reviewer))
