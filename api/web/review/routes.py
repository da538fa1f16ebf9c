"""The review desk's pages and the parts that their scripts load. What changes a product goes to the JSON routes."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.orm import Session

from api.deps import Parts, PartsDep
from api.predictions.service import find, list_page
from api.web.page import PageRoute, ReviewerVisitorDep, Visitor, render
from api.web.review.filters import CardQuery, DeskQuery, GridQuery
from api.web.review.view import card_of
from core.db.models import Prediction
from core.db.repositories import leases, predictions
from core.db.session import transact
from core.domain.language import Language
from core.domain.review import Status

router = APIRouter(route_class=PageRoute, include_in_schema=False)

GRID_ROWS = 24


@router.get("/review")
def show_desk(
    request: Request, visitor: ReviewerVisitorDep, asked: Annotated[DeskQuery, Query()], parts: PartsDep
) -> Response:
    """The desk: one product after the other. The script loads the products, so that there is one way to get them."""
    return render(request, visitor, "review/desk.html", mode="queue", **_frame(parts, asked))


@router.get("/review/opinions")
def show_opinions(
    request: Request, visitor: ReviewerVisitorDep, asked: Annotated[DeskQuery, Query()], parts: PartsDep
) -> Response:
    """The same desk for accepted labels that look wrong."""
    return render(request, visitor, "review/desk.html", mode="opinions", **_frame(parts, asked))


@router.get("/review/card")
def show_next_card(
    request: Request, visitor: ReviewerVisitorDep, asked: Annotated[CardQuery, Query()], parts: PartsDep
) -> Response:
    """The next free product, leased to the visitor like by ``GET /review/next``; 204 when there is none."""
    reviewer, lease_s = visitor.named(), parts.settings.loop.lease_s
    marked = {"second_opinion": True} if asked.opinions else {}

    def lease(session: Session) -> Prediction | None:
        wanted = asked.to_filter(predictions.now(session), **marked)
        return leases.take(session, reviewer.id, wanted, asked.order, lease_s, besides=asked.besides)

    row = transact(parts.sessions, lease)
    if row is None:
        return Response(status_code=204)
    return render(request, visitor, "review/card.html", card=card_of(row))


@router.get("/review/card/{prediction_id}")
def show_card(prediction_id: str, request: Request, visitor: ReviewerVisitorDep, parts: PartsDep) -> Response:
    """One product as it stands now, wherever that is."""
    with parts.readers() as session:
        row = find(session, prediction_id, visitor.named())
    return render(request, visitor, "review/card.html", card=card_of(row))


@router.get("/review/grid")
def show_grid(
    request: Request, visitor: ReviewerVisitorDep, asked: Annotated[GridQuery, Query()], parts: PartsDep
) -> Response:
    """Many products of one category, to be accepted together."""
    context = {**_frame(parts, asked), **_cards(visitor, asked, parts)}
    return render(request, visitor, "review/grid.html", **context)


@router.get("/review/grid/cards")
def show_grid_cards(
    request: Request, visitor: ReviewerVisitorDep, asked: Annotated[GridQuery, Query()], parts: PartsDep
) -> Response:
    """One page of the grid alone."""
    return render(request, visitor, "review/grid_cards.html", asked=asked, **_cards(visitor, asked, parts))


def _frame(parts: Parts, asked: DeskQuery) -> dict[str, Any]:
    """What both kinds of page show around the products."""
    return {"asked": asked, "codes": parts.taxonomy.current().codes, "tongues": tuple(Language)}


def _cards(visitor: Visitor, asked: GridQuery, parts: Parts) -> dict[str, Any]:
    """One page of one category; nothing where no category is chosen: a grid of everything validates nothing well."""
    if asked.code is None:
        return {"cards": (), "next_cursor": None}
    with parts.readers() as session:
        wanted = asked.to_filter(predictions.now(session), status=Status.PENDING, not_owner_id=visitor.named().id)
        page = list_page(session, wanted, order=asked.order, cursor=asked.cursor, limit=GRID_ROWS)
    return {"cards": tuple(card_of(row) for row in page.rows), "next_cursor": page.next_cursor}
