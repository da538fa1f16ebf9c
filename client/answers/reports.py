"""Reports as the service tells them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Report:
    """A report of a month that has been written: ``made_at`` is ISO 8601, ``size`` bytes of its HTML."""

    name: str
    month: str
    made_at: str
    size: int
    document: Mapping[str, Any]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Report":
        """Read one item of ``GET /reports``."""
        known = {field: document[field] for field in ("name", "month", "made_at", "size")}
        return cls(**known, document=document)
