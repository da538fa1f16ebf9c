"""What helps a reviewer to decide."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Labelled:
    """A labelled product; ``row`` names it, ``similarity`` is up to 1, None for an example of a category."""

    row: str
    designation: str
    prdtypecode: int
    label: str
    has_image: bool
    similarity: float | None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Labelled":
        """Read one of the answer's products."""
        return cls(
            row=document["row"],
            designation=document["designation"],
            prdtypecode=document["prdtypecode"],
            label=document["label"],
            has_image=document["has_image"],
            similarity=document.get("similarity"),
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """The labelled products most like one, best first; ``searched`` of ``rows`` were compared, None: not counted."""

    items: tuple[Labelled, ...]
    searched: int
    rows: int | None
    document: Mapping[str, Any]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Evidence":
        """Read the service's answer."""
        items = tuple(Labelled.from_json(item) for item in document["items"])
        return cls(items, document["searched"], document["rows"], document)


@dataclass(frozen=True, slots=True)
class Guide:
    """What belongs into a category, by language (empty where the shop does not say), and typical products."""

    prdtypecode: int
    label: str
    guideline: Mapping[str, str]
    examples: tuple[Labelled, ...]
    document: Mapping[str, Any]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Guide":
        """Read the service's answer."""
        examples = tuple(Labelled.from_json(item) for item in document["examples"])
        return cls(document["prdtypecode"], document["label"], document["guideline"] or {}, examples, document)
