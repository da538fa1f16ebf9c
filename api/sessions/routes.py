"""Signing in and out with a browser."""

from datetime import UTC, datetime
from functools import partial

from fastapi import APIRouter, Request, Response

from api.deps import CallerDep, PartsDep, open_to
from api.errors import problems
from api.sessions import cookie
from api.sessions.schemas import SessionRead, SignIn
from api.sessions.service import NoSession, Signed
from api.strict import StrictRoute

router = APIRouter(tags=["accounts"], route_class=StrictRoute)


@router.post(
    "/session", responses=problems(400, 401, 403, 408, 413, 415, 422, 429, 503), openapi_extra=open_to("anyone")
)
async def begin_session(body: SignIn, parts: PartsDep, request: Request, response: Response) -> SessionRead:
    """Sign in with a browser: the answer sets a cookie with a new session, whatever the browser had before."""
    cookie.refuse_foreign(request)
    work = partial(
        parts.browsers.begin,
        body.username,
        body.password.get_secret_value(),
        address=request.client.host if request.client else "",
    )
    secret, signed = await parts.accounts.turnstile.run(work)
    cookie.put(response, request, secret, always_secure=parts.settings.auth.secure_cookies)
    return SessionRead.from_signed(signed, datetime.now(UTC))


@router.get("/session", responses=problems(401, 404, 503), openapi_extra=open_to("customer"))
async def read_session(caller: CallerDep, request: Request) -> SessionRead:
    """Who is signed in with this browser, and until when. It counts as a use of the session."""
    signed: Signed | None = getattr(request.state, "signed", None)
    if signed is None:
        raise NoSession
    return SessionRead.from_signed(signed, datetime.now(UTC))


@router.delete("/session", status_code=204, responses=problems(401, 403, 503), openapi_extra=open_to("anyone"))
def end_session(parts: PartsDep, request: Request) -> Response:
    """Sign out of this browser. Whoever is not signed in is signed out already."""
    secret = cookie.secret_in(request)
    if secret is not None:
        cookie.require_own_page(request)
        parts.browsers.end(secret)
    response = Response(status_code=204)
    cookie.take_away(response, request, always_secure=parts.settings.auth.secure_cookies)
    return response
