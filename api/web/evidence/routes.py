"""Parts that the review desk loads beside a product."""

from fastapi import APIRouter, Request, Response

from api.deps import PartsDep, TaxonomyDep
from api.evidence.routes import category_of
from api.evidence.service import EvidenceBusy
from api.fields import Code
from api.predictions.service import find
from api.web.evidence.view import found_of, labelled
from api.web.page import PageRoute, ReviewerVisitorDep, render

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/review/evidence/{prediction_id}")
def show_evidence(prediction_id: str, request: Request, visitor: ReviewerVisitorDep, parts: PartsDep) -> Response:
    """The labelled products most like this one; while predictions go first, a word that they do."""
    with parts.readers() as session:
        asked = find(session, prediction_id, visitor.named())
    try:
        found = found_of(parts.evidence.nearest(asked))
    except EvidenceBusy:
        found = None
    return _unkept(render(request, visitor, "evidence/evidence.html", found=found))


@router.get("/review/guide/{prdtypecode}")
def show_guide(
    prdtypecode: Code, request: Request, visitor: ReviewerVisitorDep, parts: PartsDep, taxonomy: TaxonomyDep
) -> Response:
    """What belongs into a category, and typical products of it."""
    code = category_of(prdtypecode, taxonomy).code
    guideline = parts.guidelines.current().of(code)
    words = None if guideline is None else guideline.fr if visitor.language == "fr" else guideline.en
    examples = labelled(parts.evidence.examples(code))
    return _unkept(render(request, visitor, "evidence/guide.html", code=code, guideline=words, examples=examples))


def _unkept(response: Response) -> Response:
    """A label may be taken back at any moment; what shows it is not kept by the browser."""
    response.headers["Cache-Control"] = "no-store"
    return response
