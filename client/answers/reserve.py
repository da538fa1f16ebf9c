"""Products to try, as the service suggests them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class SuggestedProduct:
    """A product of the catalogue that nobody has labelled; ``image`` is the path of its photo, None without one."""

    designation: str
    description: str | None
    image: str | None

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "SuggestedProduct":
        """Read the answer of ``/reserve/next``."""
        return cls(body["designation"], body["description"], body["image"])
