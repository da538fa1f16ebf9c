"""The cookie that holds a session, and what keeps other sites from using it.

A browser sends the cookie with whatever it asks of this host, also when another site's page made it ask. So a request
that may change something has to show that a page of ours sent it: by a header that another site's page cannot set
without being asked for leave, which nobody gets here, and by what the browser itself says of where it comes from.
"""

from urllib.parse import urlsplit

from fastapi import Request, Response

from api.errors import Forbidden
from api.sessions.service import SessionOver

NAME = "etalon_session"
PAGE_HEADER = "X-Etalon-Page"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class ForeignRequest(Forbidden):
    """The session's cookie came with a request that no page of this service sent."""

    code = "session.foreign"

    def __init__(self) -> None:
        super().__init__("A session acts only for the pages of this service.")


def secret_in(request: Request) -> str | None:
    """The secret of the session that a request belongs to; None: it has no such cookie.

    Raises:
        SessionOver: it has several: somebody else's site may have set one of them.
    """
    pairs = (pair.partition("=") for line in request.headers.getlist("cookie") for pair in line.split(";"))
    found = [value.strip() for name, _, value in pairs if name.strip() == NAME]
    if len(found) > 1:
        raise SessionOver
    return found[0] if found else None


def require_own_page(request: Request) -> None:
    """Let a request with a session through that changes nothing, or that a page of ours sent.

    Raises:
        ForeignRequest: it is neither.
    """
    if request.method in _SAFE:
        return
    if PAGE_HEADER not in request.headers:
        raise ForeignRequest
    refuse_foreign(request)


def refuse_foreign(request: Request) -> None:
    """Refuse what the browser says comes from another site.

    ``Sec-Fetch-Site`` is sent over https and decides alone: a proxy may have changed the host that ``Origin`` is
    compared with. Programs send neither.

    Raises:
        ForeignRequest: it does.
    """
    if sites := request.headers.getlist("sec-fetch-site"):
        if set(sites) != {"same-origin"}:
            raise ForeignRequest
        return
    host = request.headers.get("host", "").lower()
    if any(_host_of(origin) != host for origin in request.headers.getlist("origin")):
        raise ForeignRequest


def _host_of(origin: str) -> str | None:
    """Host and port of an origin; None for one without, such as ``null``."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None


def put(response: Response, request: Request, secret: str, *, always_secure: bool) -> None:
    """Give the browser a session's secret: not for scripts, not for other sites' requests, until it is closed."""
    response.set_cookie(
        NAME, secret, path="/", httponly=True, samesite="strict", secure=_is_secure(request, always_secure)
    )


def take_away(response: Response, request: Request, *, always_secure: bool) -> None:
    """Let the browser forget its session."""
    response.delete_cookie(NAME, path="/", httponly=True, samesite="strict", secure=_is_secure(request, always_secure))


def _is_secure(request: Request, always: bool) -> bool:
    return always or request.url.scheme == "https"
