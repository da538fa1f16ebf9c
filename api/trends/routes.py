"""Seeing what the loop did day by day, and where it stands."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import PartsDep, ReviewerDep, open_to
from api.errors import problems
from api.strict import StrictRoute
from api.trends.schemas import TrendsQuery, TrendsRead

router = APIRouter(tags=["models"], route_class=StrictRoute)


@router.get("/trends", responses=problems(401, 403, 422, 503), openapi_extra=open_to("reviewer"))
def read_trends(asked: Annotated[TrendsQuery, Query()], reviewer: ReviewerDep, parts: PartsDep) -> TrendsRead:
    """Verdicts, backlog and answers by day; where everything waits; what each job did last."""
    return TrendsRead.of(parts.trends.read(asked.days))
