"""Every page, and the files they load."""

from fastapi import APIRouter, HTTPException, Request, Response

import api.web.account.routes
import api.web.evidence.routes
import api.web.models.routes
import api.web.monitor.routes
import api.web.review.routes
import api.web.seller.routes
import api.web.users.routes
from api.files import WholeFiles
from api.web.page import STATIC, GuestDep, PageRoute, render

router = APIRouter(route_class=PageRoute, include_in_schema=False)

router.include_router(api.web.account.routes.router)
router.include_router(api.web.evidence.routes.router)
router.include_router(api.web.models.routes.router)
router.include_router(api.web.monitor.routes.router)
router.include_router(api.web.review.routes.router)
router.include_router(api.web.seller.routes.router)
router.include_router(api.web.users.routes.router)

ASSETS = WholeFiles(directory=STATIC)


@router.get("/sign-in")
async def show_sign_in(request: Request, visitor: GuestDep) -> Response:
    """Where somebody signs in, or opens an account."""
    return render(request, visitor, "signin.html")


# Included last of all rooms: an address that nobody has, asked for with a browser.
nowhere = APIRouter(route_class=PageRoute, include_in_schema=False)


@nowhere.get("/{path:path}")
async def show_nothing(path: str) -> Response:
    """Say that there is no such page."""
    raise HTTPException(404, "There is no such page.")
