"""The OpenAPI document, written as 3.0.3: the newest version that the bundled Swagger UI can show."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.errors import Problem, problems

VERSION = "3.0.3"
_ANY_REQUEST = (400, 413, 415, 503)
_ANY_BODY = (408,)
_ANY_SESSION = (403,)


def install(app: FastAPI) -> None:
    """Replace the application's document by ours, built once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _build(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _build(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes, openapi_version=VERSION
    )
    for method, operation in (found for path in document["paths"].values() for found in path.items()):
        _declare_the_edge(operation, may_be_foreign=method != "get" and operation.get("x-role") != "anyone")
    schemas = document["components"]["schemas"]
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"))
    schemas["Problem"] = problem
    return _downgrade(document)


def _declare_the_edge(operation: dict[str, Any], *, may_be_foreign: bool) -> None:
    """Add what any request may be answered before its route sees it.

    Only one with a body may be too slow, and only one that changes something may be refused because it came with a
    browser's session and not from a page of ours.
    """
    refusals = (
        *_ANY_REQUEST,
        *(_ANY_BODY if "requestBody" in operation else ()),
        *(_ANY_SESSION if may_be_foreign else ()),
    )
    said = {str(status): answer for status, answer in problems(*refusals).items()}
    operation["responses"] = dict(sorted({**said, **operation["responses"]}.items()))


def _downgrade(node: Any) -> Any:
    """Say in 3.0's words what the generator says in 3.1's: nullable values, constants, file uploads."""
    if isinstance(node, list):
        return [_downgrade(item) for item in node]
    if not isinstance(node, dict):
        return node
    said = {key: _downgrade(value) for key, value in node.items()}
    if isinstance(options := said.get("anyOf"), list) and {"type": "null"} in options:
        rest = [option for option in options if option != {"type": "null"}]
        del said["anyOf"]
        said = {**(rest[0] if len(rest) == 1 and "$ref" not in rest[0] else {"allOf": rest}), **said, "nullable": True}
    if "contentMediaType" in said:
        del said["contentMediaType"]
        said["format"] = "binary"
    if "const" in said:
        said["enum"] = [said.pop("const")]
    return said
