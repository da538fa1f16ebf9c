"""Hostile paths, queries and headers on every route that takes some: refused or not found, and nothing is done."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api import bad_addresses, matrix
from tests.api.conftest import Target
from tests.api.document import Operation, operations
from tests.api.refusals import nothing_done, require_refused
from tests.api.samples import as_request, body_of

# Slashes, encoded or not, make another path; a path that is nowhere has no other methods, or has.
_NOWHERE = frozenset({400, 404, 405, 414, 422})


def _with_paths() -> Iterator[Any]:
    for operation in operations():
        if matrix.parameter_of(operation):
            for name, bad in bad_addresses.PATHS.items():
                yield pytest.param(operation, bad, id=f"{operation} {name}")


def _with_queries() -> Iterator[Any]:
    for operation in operations():
        for parameter, schema in operation.parameters("query").items():
            for name, bad in bad_addresses.queries(schema):
                yield pytest.param(operation, f"{parameter}={bad}", id=f"{operation} {parameter} {name}")


def _with_headers() -> Iterator[Any]:
    for operation in operations():
        for header in operation.parameters("header"):
            for name, bad in bad_addresses.HEADERS[header].items():
                yield pytest.param(operation, header, bad, id=f"{operation} {header} {name}")


@pytest.mark.parametrize(("operation", "bad"), list(_with_paths()))
def test_a_path_that_names_nothing_leads_nowhere(target: Target, operation: Operation, bad: str) -> None:
    parameter = matrix.parameter_of(operation)
    with nothing_done(target.etalon):
        answer = _send(target, operation, operation.path.replace(f"{{{parameter}}}", bad))
        require_refused(answer, operation if answer.status_code == 422 else None, _NOWHERE)


@pytest.mark.parametrize(("operation", "query"), list(_with_queries()))
def test_a_query_that_breaks_its_rule_is_refused(target: Target, operation: Operation, query: str) -> None:
    with nothing_done(target.etalon):
        require_refused(_send(target, operation, f"{target.path(operation)}?{query}"), operation)


@pytest.mark.parametrize(("operation", "header", "value"), list(_with_headers()))
def test_a_header_that_breaks_its_rule_is_refused(
    target: Target, operation: Operation, header: str, value: bytes
) -> None:
    with nothing_done(target.etalon):
        require_refused(_send(target, operation, target.path(operation), {header.encode(): value}), operation)


def _send(target: Target, operation: Operation, path: str, more: dict[bytes, bytes] | None = None) -> httpx.Response:
    signed = {name.encode(): value.encode() for name, value in target.admin.headers.items()}
    request = as_request(operation, body_of(operation)) if operation.content_type else {}
    return target.etalon.http.request(operation.method, path, headers={**signed, **(more or {})}, **request)
