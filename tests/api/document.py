"""The OpenAPI document as the tests of every route read it. The tests are made from it before the service runs."""

import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from api.app import create_app
from api.settings import ServiceSettings
from core.settings import AuthSettings, DatabaseSettings, LoopSettings, ServingSettings, StoreSettings

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
FORM, URLENCODED, JSON = "multipart/form-data", "application/x-www-form-urlencoded", "application/json"


@dataclass(frozen=True)
class Operation:
    """One method on one path.

    Attributes:
        spec: what the document says of it.
    """

    method: str
    path: str
    spec: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def role(self) -> str:
        """Who may call it: ``anyone``, or the lowest role."""
        return str(self.spec["x-role"])

    @property
    def owner(self) -> str | None:
        """``only`` or ``never`` the sender of the prediction that it is about; None: as usual."""
        return self.spec.get("x-owner")

    @property
    def keys(self) -> bool:
        """Whether an API key may call it."""
        return bool(self.spec["x-keys"])

    @property
    def declared(self) -> frozenset[int]:
        """Every status that it may answer with."""
        return frozenset(int(status) for status in self.spec["responses"])

    @property
    def content_type(self) -> str | None:
        """What its body is; None where it takes none."""
        content = self.spec.get("requestBody", {}).get("content", {})
        return next((kind for kind in (JSON, FORM, URLENCODED) if kind in content), None)

    @property
    def body(self) -> dict[str, Any]:
        """Its body's schema, an object's."""
        return resolve(self.spec["requestBody"]["content"][self.content_type]["schema"])

    def parameters(self, where: str) -> dict[str, dict[str, Any]]:
        """The schemas of its parameters in ``path``, ``query`` or ``header``, by name."""
        given = (parameter for parameter in self.spec.get("parameters", ()) if parameter["in"] == where)
        return {parameter["name"]: resolve(parameter["schema"]) for parameter in given}


@cache
def load() -> dict[str, Any]:
    """The document of the application as it stands."""
    with tempfile.TemporaryDirectory() as folder:
        settings = ServiceSettings(
            auth=AuthSettings(key=secrets.token_hex(32)),
            database=DatabaseSettings(url="sqlite://"),
            store=StoreSettings(root=Path(folder)),
            serving=ServingSettings(),
            loop=LoopSettings(),
        )
        return create_app(settings).openapi()


def operations() -> list[Operation]:
    """Every operation, in the document's order."""
    return list(_operations())


def _operations() -> Iterator[Operation]:
    for path, item in load()["paths"].items():
        for method in METHODS:
            if method in item:
                yield Operation(method.upper(), path, item[method])


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without references at its top: what ``$ref``, ``allOf`` and ``anyOf`` of one kind stand for."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return resolve(load()["components"]["schemas"][name])
    for joined in ("allOf", "anyOf", "oneOf"):
        if joined in schema:
            parts = [resolve(part) for part in schema[joined]]
            return {**parts[0], **{key: value for key, value in schema.items() if key != joined}}
    return schema
