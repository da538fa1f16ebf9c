"""The page on which admins manage accounts."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from api.accounts import cursors
from api.deps import PartsDep
from api.web.page import AdminVisitorDep, PageRoute, is_part, render
from api.web.users.view import Search, State, listing
from core.db.repositories import users
from core.domain.roles import Role

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_PAGE = 50  # accounts


@router.get("/users")
def show_users(
    request: Request,
    visitor: AdminVisitorDep,
    parts: PartsDep,
    text: Annotated[str, Query(max_length=64)] = "",
    role: Role | Literal[""] = "",
    state: State | Literal[""] = "",
    cursor: Annotated[str | None, Query(max_length=256)] = None,
) -> Response:
    """Accounts by name. Its script asks for the list alone, by the same address."""
    search = Search(text.strip().lower(), Role(role) if role else None, state or None, cursor)
    after = cursors.decode(cursor) if cursor is not None else None
    with parts.readers() as session:
        found = users.page(
            session, active=search.active, role=search.role, text=search.text or None, after=after, limit=_PAGE + 1
        )
        counts = users.count(session)
    shown = listing(found, counts, search, own_id=visitor.named().id, size=_PAGE)
    template = "users/list.html" if is_part(request) else "users/index.html"
    return render(request, visitor, template, listing=shown, search=search, roles=[role.value for role in Role])
