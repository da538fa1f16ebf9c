"""Valid requests, made from the document's schemas: the smallest body that a route takes."""

from collections.abc import Mapping
from itertools import count
from typing import Any

from tests.api.document import FORM, JSON, Operation, resolve
from tests.api.people import PASSWORD
from tests.integration.api.packaged import TITLES

_numbers = count(1)
_BY_RULE = frozenset({"designation"})  # optional in the schema: some models ask for none, the usual one does


def body_of(operation: Operation, known: Mapping[str, Any] | None = None) -> Any:
    """A body with what is required and nothing else; of one that requires nothing but to change something, one thing.

    Args:
        operation: which takes one.
        known: values by field, for what only the test can know.
    """
    values = {**_usual(), **(known or {})}
    body = _value("", operation.body, values)
    if operation.method == "PATCH" and not body:
        name, schema = next(iter(operation.body["properties"].items()))
        return {name: _value(name, schema, values)}
    return body


def as_request(operation: Operation, body: Mapping[str, Any]) -> dict[str, Any]:
    """A body as ``httpx`` takes it."""
    if operation.content_type == JSON:
        return {"json": body}
    if operation.content_type == FORM:
        return {"files": {name: (None, str(value).encode()) for name, value in body.items()}}
    return {"data": dict(body)}


def _usual() -> dict[str, Any]:
    """What fields of these names hold where nothing else is said."""
    return {
        "designation": TITLES[0],
        "prdtypecode": 40,
        "username": f"newcomer{next(_numbers)}",
        "password": "staple-orbit-lantern-9",
        "new_password": "staple-orbit-lantern-9",
        "old_password": PASSWORD,
        "current_password": PASSWORD,
        "reason": "as the photo shows",
        "name": "the shop's server",
        "since": "2026-01-01T00:00:00Z",
        "until": "2026-01-02T00:00:00Z",
        "grant_type": "password",
        "expected_epoch": 1,
        "id": "01920000-0000-7000-8000-000000000000",
        "ids": ["01920000-0000-7000-8000-000000000000"],
    }


def _value(name: str, schema: dict[str, Any], known: Mapping[str, Any]) -> Any:
    schema = resolve(schema)
    if name in known:
        return known[name]
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object" or "properties" in schema:
        wanted = {*schema.get("required", ()), *(_BY_RULE & schema.get("properties", {}).keys())}
        return {key: _value(key, schema["properties"][key], known) for key in sorted(wanted)}
    return _plain(name, schema, known)


def _plain(name: str, schema: dict[str, Any], known: Mapping[str, Any]) -> Any:
    kind = schema.get("type")
    if kind == "array":
        return [_value("", schema["items"], known)] * schema.get("minItems", 0)
    if kind == "boolean":
        return True
    if kind in ("integer", "number"):
        return max(1, schema.get("minimum", 1))
    if kind == "string" and "pattern" not in schema and "format" not in schema:
        return "a word".ljust(schema.get("minLength", 1), "s")
    raise AssertionError(f"say in tests/api/samples.py what a valid {name or schema} is")
