"""The models page and its parts. What moves a release goes from the page's script to the JSON routes."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.orm import Session

from api.deps import Parts, PartsDep
from api.models.evaluation import EvaluationRead, NotEvaluated, evaluation_of
from api.models.schemas import NEWEST_EPOCH, Version
from api.models.service import read
from api.web.models import comparison, view
from api.web.models.choice import choice
from api.web.models.confusion import Shown, heat_map
from api.web.models.links import links_of, question_of, retraining_link
from api.web.models.reasons import checks, points
from api.web.page import PageRoute, ReviewerVisitorDep, Visitor, render
from core.domain.promotion import GATED

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Before = Annotated[int, Query(ge=1, le=NEWEST_EPOCH)]


@router.get("/models")
def show_models(
    request: Request, visitor: ReviewerVisitorDep, parts: PartsDep, before: Before = NEWEST_EPOCH
) -> Response:
    """What is served, what could be, and the ledger from below the epoch ``before``."""
    return render(request, visitor, "models/overview.html", **_overview(parts, visitor, before))


@router.get("/models/overview")
def show_overview(
    request: Request, visitor: ReviewerVisitorDep, parts: PartsDep, before: Before = NEWEST_EPOCH
) -> Response:
    """The same without its frame: what the script shows after something was moved."""
    return render(request, visitor, "models/overview_part.html", **_overview(parts, visitor, before))


def _overview(parts: Parts, visitor: Visitor, before: int) -> dict[str, Any]:
    context = view.context_of(parts, before)
    wish = context["view"].wish
    return {
        **context,
        "points": partial(points, texts=visitor.texts),
        "wish_links": retraining_link(parts.settings.serving, wish.run_key if wish else None),
        "gated": GATED,
    }


@router.get("/models/{version}/page")
def show_model(
    version: Version,
    request: Request,
    visitor: ReviewerVisitorDep,
    parts: PartsDep,
    of: Shown = Shown.CHALLENGER,
) -> Response:
    """One model beside the champion it was judged with; ``of``: whose confusions the table shows first."""
    with parts.readers() as session:
        model = read(session, parts.settings.store.packages, version)
        found = _evaluation(session, parts, version)
        chosen = choice(session, version, model.name)
    gate, serving = model.gate, parts.settings.serving
    question = question_of(version, chosen.asked) if chosen.asked is not None else None
    return render(
        request,
        visitor,
        "models/model.html",
        model=model,
        found=found,
        choice=chosen,
        points=partial(points, texts=visitor.texts),
        measures=list(comparison.measures(found)) if found else [],
        spread=comparison.spread(found) if found else None,
        gap=comparison.gap(found) if found else None,
        classes=comparison.class_rows(found, gate.report if gate else {}),
        checks=lambda label: checks(gate.report, visitor.texts, label) if gate else [],
        heat=heat_map(found, of) if found else None,
        links=links_of(serving, gate.run_id if gate else None, question=question),
    )


@router.get("/models/{version}/decision")
def show_decision(version: Version, request: Request, visitor: ReviewerVisitorDep, parts: PartsDep) -> Response:
    """What may be decided about a model now: shown again when the release has moved meanwhile."""
    with parts.readers() as session:
        model = read(session, parts.settings.store.packages, version)
        chosen = choice(session, version, model.name)
    return render(request, visitor, "models/decision.html", model=model, choice=chosen)


@router.get("/models/{version}/confusion")
def show_confusion(
    version: Version,
    request: Request,
    visitor: ReviewerVisitorDep,
    parts: PartsDep,
    of: Shown = Shown.CHALLENGER,
) -> Response:
    """One of the confusion tables: all three at once would weigh more than the rest of the page."""
    with parts.readers() as session:
        found = evaluation_of(session, parts.settings.store.packages, parts.shelf, version)
    return render(
        request,
        visitor,
        "models/confusion.html",
        version=version,
        heat=heat_map(found, of),
        points=partial(points, texts=visitor.texts),
    )


def _evaluation(session: Session, parts: Parts, version: str) -> EvaluationRead | None:
    try:
        return evaluation_of(session, parts.settings.store.packages, parts.shelf, version)
    except NotEvaluated:
        return None
