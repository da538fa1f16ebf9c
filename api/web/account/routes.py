"""The page on which people manage their own account."""

from fastapi import APIRouter, Request, Response

from api.accounts.changes import UnknownAccount
from api.accounts.keys import MOST_KEYS
from api.deps import PartsDep
from api.web.account.view import Key
from api.web.page import PageRoute, VisitorDep, render
from core.db.repositories import api_keys, users

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/account")
def show_account(request: Request, visitor: VisitorDep, parts: PartsDep) -> Response:
    """Name, password, keys, sessions, and the account's end."""
    with parts.readers() as session:
        row = users.by_id(session, visitor.named().id)
        keys = api_keys.live_of(session, visitor.named().id)
    if row is None:
        raise UnknownAccount
    shown = [Key.of(key) for key in keys]
    return render(request, visitor, "account/index.html", role=row.role, keys=shown, most_keys=MOST_KEYS)


@router.get("/account/keys")
def show_keys(request: Request, visitor: VisitorDep, parts: PartsDep) -> Response:
    """The table of keys, for the page's script."""
    with parts.readers() as session:
        keys = api_keys.live_of(session, visitor.named().id)
    return render(request, visitor, "account/keys.html", keys=[Key.of(key) for key in keys])
