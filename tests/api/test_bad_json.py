"""Hostile JSON on every route that takes some: a declared refusal that repeats nothing, and nothing is done."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api import bad_values
from tests.api.conftest import Target
from tests.api.document import JSON, Operation, operations, resolve
from tests.api.refusals import BAD_INPUT, SIGN_IN, nothing_done, require_refused
from tests.api.samples import body_of

WITH_JSON = [operation for operation in operations() if operation.content_type == JSON]
_HERE = "@@here@@"


def _whole_bodies() -> Iterator[Any]:
    for operation in WITH_JSON:
        may_be_left_out = not operation.spec["requestBody"].get("required")
        bodies = bad_values.WHOLE if may_be_left_out else {**bad_values.WHOLE, **bad_values.EMPTY}
        if operation.body.get("required"):
            bodies = {**bodies, "no fields": b"{}"}
        for name, body in bodies.items():
            yield pytest.param(operation, body, id=f"{operation} {name}")


def _fields() -> Iterator[Any]:
    for operation in WITH_JSON:
        for path, schema, required in _leaves(operation.body):
            for name, raw in bad_values.of(schema, required=required):
                body = json.dumps(_with(body_of(operation), path)).replace(f'"{_HERE}"', raw)
                yield pytest.param(operation, body.encode(), id=f"{operation} {'.'.join(path)} {name}")


def _leaves(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any, bool]]:
    """Every field with its schema and whether it is required; ``[]`` in a path is a list's only item."""
    for name, declared in schema.get("properties", {}).items():
        field, here = resolve(declared), (*path, name)
        yield here, field, name in schema.get("required", ())
        if field.get("type") == "array":
            yield from _leaves(resolve(field["items"]), (*here, "[]"))
        elif "properties" in field:
            yield from _leaves(field, here)


def _with(body: Any, path: tuple[str, ...]) -> Any:
    """The body with a mark in the place that ``path`` names."""
    if not path:
        return _HERE
    if path[0] == "[]":
        return [_with(body[0] if body else {}, path[1:])]
    return {**body, path[0]: _with(body.get(path[0], {}), path[1:])}


@pytest.mark.parametrize(("operation", "body"), list(_whole_bodies()))
def test_a_body_that_is_no_object_of_the_route_is_refused(target: Target, operation: Operation, body: bytes) -> None:
    with nothing_done(target.etalon):
        require_refused(_send(target, operation, body, {"Content-Type": JSON}), operation)


@pytest.mark.parametrize(("operation", "body"), list(_fields()))
def test_a_field_that_breaks_its_schema_is_refused(target: Target, operation: Operation, body: bytes) -> None:
    statuses = SIGN_IN if operation.role == "anyone" else BAD_INPUT
    with nothing_done(target.etalon):
        require_refused(_send(target, operation, body, {"Content-Type": JSON}), operation, statuses)


@pytest.mark.parametrize("headers", [pytest.param(one, id=name) for name, one in bad_values.HEADERS.items()])
@pytest.mark.parametrize("operation", WITH_JSON, ids=str)
def test_a_body_that_is_said_to_be_something_else_is_refused(
    target: Target, operation: Operation, headers: dict[str, str]
) -> None:
    with nothing_done(target.etalon):
        require_refused(_send(target, operation, json.dumps(body_of(operation)).encode(), headers), operation)


def _send(target: Target, operation: Operation, body: bytes, headers: dict[str, str]) -> httpx.Response:
    http, path = target.etalon.http, target.path(operation)
    return http.request(operation.method, path, content=body, headers={**target.admin.headers, **headers})
