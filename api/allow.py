"""Which methods a path takes: what every 405 owes (RFC 9110, section 15.5.6)."""

from fastapi import Request
from starlette.routing import Match, Route


def methods_of(request: Request) -> str | None:
    """The methods of the path that was asked for, as ``Allow`` lists them; None for a path that no route of ours has.

    The router names those of the first route only. Of two paths that fit, the one with fewer parameters is meant.
    """
    fitting = [route for route in request.app.routes if isinstance(route, Route) and _fits(route, request)]
    if not fitting:
        return None
    fewest = min(len(route.param_convertors) for route in fitting)
    methods = [route.methods or set() for route in fitting if len(route.param_convertors) == fewest]
    return ", ".join(sorted(set().union(*methods)))


def _fits(route: Route, request: Request) -> bool:
    return route.matches(request.scope)[0] is not Match.NONE
