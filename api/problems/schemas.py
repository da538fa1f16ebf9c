"""What the catalogue of problems looks like from outside."""

from pydantic import BaseModel

from api.errors import type_of
from api.problems.catalogue import Kind


class KindRead(BaseModel):
    """One kind of problem. ``try_again``: the same request may succeed later."""

    type: str
    title: str
    status: int
    code: str
    meaning: str
    try_again: bool

    @classmethod
    def from_kind(cls, kind: Kind) -> "KindRead":
        """What is shown of ``kind``."""
        return cls(
            type=type_of(kind.code),
            title=kind.title,
            status=kind.status,
            code=kind.code,
            meaning=kind.meaning,
            try_again=kind.try_again,
        )


class Catalogue(BaseModel):
    """Every kind of problem, by code."""

    items: list[KindRead]
