"""Every answer that any test gets is one that the service's own documents foresee."""

import httpx
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Match

from api.errors import MEDIA_TYPE
from api.problems.catalogue import find_kind

Declared = dict[tuple[str, str], frozenset[int]]
_documents: dict[frozenset[str], Declared] = {}


class Foresight:
    """Looks at each answer of an application.

    Args:
        app: the application; its OpenAPI document is written once for all with the same routes.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    def check(self, answer: httpx.Response) -> None:
        """See that OpenAPI declares its status for this route, and that the catalogue knows its problem."""
        said = (answer.request.method, answer.request.url.path, answer.status_code)
        if _is_for_a_browser(answer):
            return
        route = self._route(answer.request)
        if route is not None:
            statuses = _declared(self._app)[route]
            assert answer.status_code in statuses, f"{said} is not declared: {sorted(statuses)}"
        if answer.is_error:
            assert answer.headers["content-type"] == MEDIA_TYPE, said
            answer.read()
            code = answer.json()["code"]
            kind = find_kind(code)
            assert kind is not None, f"{said}: the catalogue does not know {code}"
            assert kind.status == answer.status_code, (said, kind)

    def _route(self, request: httpx.Request) -> tuple[str, str] | None:
        """Method and path, as declared, of the operation that answers ``request``."""
        scope = {"type": "http", "method": request.method, "path": request.url.path, "headers": [], "root_path": ""}
        for route in self._app.routes:
            if isinstance(route, APIRoute) and route.include_in_schema and route.matches(scope)[0] is Match.FULL:
                return request.method.lower(), route.path_format
        return None


def _is_for_a_browser(answer: httpx.Response) -> bool:
    """Whether it is a page, or leads to one: OpenAPI knows nothing of those, and they may say what they like."""
    asked = "text/html" in answer.request.headers.get("accept", "")
    return asked and (answer.has_redirect_location or answer.headers["content-type"].startswith("text/html"))


def _declared(app: FastAPI) -> Declared:
    routes = frozenset(f"{route.methods} {route.path}" for route in app.routes if isinstance(route, APIRoute))
    if routes not in _documents:
        _documents[routes] = {
            (method, path): frozenset(map(int, operation["responses"]))
            for path, operations in app.openapi()["paths"].items()
            for method, operation in operations.items()
        }
    return _documents[routes]
