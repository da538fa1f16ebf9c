"""Where a product is classified, and where its seller sees what became of it. What changes goes to the JSON routes."""

from datetime import UTC
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.orm import Session

from api.deps import PartsDep, TaxonomyDep
from api.lineage.service import follow
from api.predictions.schemas import MAX_DESCRIPTION, MAX_DESIGNATION
from api.predictions.service import find, list_page
from api.serving.engine import NoRelease
from api.web.page import PageRoute, VisitorDep, is_part, render
from api.web.seller.view import Learning, Shown, models_of
from core.db.models import Prediction
from core.db.repositories import verdicts
from core.db.repositories.predictions import Filter, Order
from core.domain.review import Status

router = APIRouter(route_class=PageRoute, include_in_schema=False)

ROWS = 20
_MEGA = 1_000_000
_MIB = 1024 * 1024
StatusChoice = Literal["", "pending", "validated", "rejected", "ingested", "archived", "retracted"]


@router.get("/")
def show_form(request: Request, visitor: VisitorDep, parts: PartsDep) -> Response:
    """A form for one product; the answer appears beside it."""
    serving = parts.settings.serving
    try:
        models = models_of(parts.serving.release())
    except NoRelease:
        models = ()
    return render(
        request,
        visitor,
        "seller/classify.html",
        models=models,
        longest={"designation": MAX_DESIGNATION, "description": MAX_DESCRIPTION},
        max_bytes=serving.max_upload_bytes,
        max_pixels=serving.max_image_pixels,
        megabytes=max(1, serving.max_upload_bytes // _MIB),
        megapixels=max(1, serving.max_image_pixels // _MEGA),
    )


@router.get("/products")
def show_products(
    request: Request,
    visitor: VisitorDep,
    parts: PartsDep,
    taxonomy: TaxonomyDep,
    status: StatusChoice = "",
    cursor: Annotated[str | None, Query(max_length=256)] = None,
) -> Response:
    """The visitor's own products, newest first; asked for as a part, the list alone from a place on."""
    me = visitor.named()
    wanted = Filter(owner_id=me.id, status=Status(status) if status else None)
    with parts.readers() as session:
        page = list_page(session, wanted, order=Order.NEWEST, cursor=cursor, limit=ROWS)
    context = {
        "products": [Shown.of(row, taxonomy, me) for row in page.rows],
        "next_cursor": page.next_cursor,
        "chosen": status,
        "statuses": [one.value for one in Status],
        "is_first": cursor is None,
    }
    return render(request, visitor, "seller/rows.html" if is_part(request) else "seller/products.html", **context)


@router.get("/products/{prediction_id}")
def show_product(
    prediction_id: str, request: Request, visitor: VisitorDep, parts: PartsDep, taxonomy: TaxonomyDep
) -> Response:
    """One product with its answer, what was decided about it, and how to be rid of it."""
    with parts.readers() as session:
        row = find(session, prediction_id, visitor.named())
        decided = _decisions(session, row)
    shown = Shown.of(row, taxonomy, visitor.named())
    return render(request, visitor, "seller/product.html", shown=shown, decided=decided)


def _decisions(session: Session, row: Prediction) -> list[dict[str, Any]]:
    """What people decided, the newest first, without saying who."""
    return [
        {"action": one.action, "code": one.prdtypecode, "reason": one.reason, "at": one.decided_at.replace(tzinfo=UTC)}
        for one, _ in reversed(verdicts.of_prediction(session, row.id))
    ]


@router.get("/products/{prediction_id}/answer")
def show_answer(
    prediction_id: str, request: Request, visitor: VisitorDep, parts: PartsDep, taxonomy: TaxonomyDep
) -> Response:
    """The model's answer alone, and what its sender may say of it."""
    with parts.readers() as session:
        row = find(session, prediction_id, visitor.named())
    return render(request, visitor, "seller/answer.html", shown=Shown.of(row, taxonomy, visitor.named()))


@router.get("/products/{prediction_id}/learnt")
def show_learnt(prediction_id: str, request: Request, visitor: VisitorDep, parts: PartsDep) -> Response:
    """Whether models have learnt from the product; apart, because it asks for every release."""
    with parts.readers() as session:
        row = find(session, prediction_id, visitor.named())
        rows = follow(session, parts.settings.store, row)
    return render(request, visitor, "seller/learnt.html", learning=Learning.of(rows))
