"""Seeing whether the model still does what it was let through for."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import PartsDep, ReviewerDep, open_to
from api.errors import problems
from api.quality.schemas import EpisodeRead, QualityPage, QualityQuery, ReadingRead
from api.strict import StrictRoute
from core.db.repositories import quality

router = APIRouter(tags=["models"], route_class=StrictRoute)


@router.get("/quality", responses=problems(401, 403, 422, 503), openapi_extra=open_to("reviewer"))
def read_quality(asked: Annotated[QualityQuery, Query()], reviewer: ReviewerDep, parts: PartsDep) -> QualityPage:
    """What the watch read of accuracy, calibration, texts and photos, and what alarmed since when."""
    with parts.readers() as session:
        rows = quality.page(session, kind=asked.kind, before=asked.before, limit=asked.limit + 1)
        return QualityPage(
            newest=[ReadingRead.of(row) for row in quality.newest(session).values()],
            episodes=[EpisodeRead.of(row) for row in quality.episodes(session)],
            items=[ReadingRead.of(row) for row in rows[: asked.limit]],
            next=rows[asked.limit - 1].id if len(rows) > asked.limit else None,
        )
