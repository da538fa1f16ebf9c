"""Evidence for whoever decides: what is labelled already and looks the same, and what belongs where."""

import io
from typing import Annotated

from fastapi import APIRouter, Path, Response
from PIL import Image

from api.deps import PartsDep, ReviewerDep, TaxonomyDep, open_to
from api.errors import problems
from api.evidence.schemas import EvidenceRead, GuideRead
from api.evidence.service import UnknownRow
from api.fields import Code
from api.predictions.service import find
from api.strict import StrictRoute
from core.domain.taxonomy import Category, Taxonomy
from core.errors import NotFound
from core.store.shelf import RowAddress

router = APIRouter(tags=["evidence"], route_class=StrictRoute)

_QUALITY = 88  # of JPEG: a photo of 224 pixels a side has about 12 KB


class UnknownCategory(NotFound):
    """There is no such category in the active taxonomy."""

    code = "evidence.unknown_category"

    def __init__(self) -> None:
        super().__init__("The active taxonomy has no such category.")


@router.get(
    "/predictions/{prediction_id}/evidence",
    responses=problems(401, 403, 404, 422, 503),
    openapi_extra=open_to("reviewer"),
)
def read_evidence(
    prediction_id: str, reviewer: ReviewerDep, parts: PartsDep, taxonomy: TaxonomyDep, response: Response
) -> EvidenceRead:
    """Up to six labelled products of the training store that are most like this one, by what the served model reads.

    Only products that models learn from are searched: those that they are measured by are not shown to whoever
    labels. 503 with `evidence.busy` while predictions wait: they go first.
    """
    with parts.readers() as session:
        asked = find(session, prediction_id, reviewer)
    response.headers["Cache-Control"] = "no-store"
    return EvidenceRead.of(asked.id, parts.evidence.nearest(asked), taxonomy)


@router.get(
    "/training-rows/{row}/image",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, **problems(401, 403, 404, 422, 503)},
    openapi_extra=open_to("reviewer"),
)
def read_row_image(
    row: Annotated[str, Path(description="as evidence, guides and comparisons name it, such as 000000-base.17")],
    reviewer: ReviewerDep,
    parts: PartsDep,
) -> Response:
    """A labelled product's photo as models see it, 224 pixels a side; kept by nobody, because it may be retracted."""
    address = RowAddress.parse(row)
    if address is None:
        raise UnknownRow
    out = io.BytesIO()
    Image.fromarray(parts.evidence.photo(address)).save(out, "JPEG", quality=_QUALITY)
    return Response(out.getvalue(), media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.get(
    "/classes/{prdtypecode}/guide",
    responses=problems(401, 403, 404, 422, 503),
    openapi_extra=open_to("reviewer"),
)
def read_guide(prdtypecode: Code, reviewer: ReviewerDep, parts: PartsDep, taxonomy: TaxonomyDep) -> GuideRead:
    """What belongs into a category, and up to six typical products that were given it."""
    category = category_of(prdtypecode, taxonomy)
    guideline = parts.guidelines.current().of(prdtypecode)
    return GuideRead.of(category, guideline, parts.evidence.examples(prdtypecode), taxonomy)


def category_of(code: int, taxonomy: Taxonomy) -> Category:
    """The category of a code.

    Raises:
        UnknownCategory: the active taxonomy has none.
    """
    if code not in taxonomy:
        raise UnknownCategory
    return taxonomy.require(code)
