"""What every part of the client asks with."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from client.session import Session


class Asking:
    """Asks the service for JSON."""

    _session: Session

    def _ask(self, method: str, path: str, *, repeatable: bool = True, **arguments: Any) -> Any:
        return self._session.send(method, path, repeatable=repeatable, **arguments).json()


def terms(version: int | None = None, idempotency_key: str | None = None) -> dict[str, str]:
    """The headers of a request that decides something: its name (made up where none is given) and its condition."""
    named = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
    return named if version is None else {**named, "If-Match": f'"{version}"'}


def said(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that were given a value."""
    return {name: value for name, value in fields.items() if value is not None}


def written(filters: Mapping[str, Any]) -> dict[str, Any]:
    """The filters that were given a value, as a query takes them; times in ISO 8601."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in said(filters).items()}
