"""What the health routes give."""

from typing import Literal

from pydantic import BaseModel


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """Everything a request needs is there.

    ``epoch`` is what is served. ``refused_epoch`` and ``refused_code`` name a newer release that failed its
    verification; the one before keeps answering.
    """

    status: Literal["ready"] = "ready"
    checks: dict[str, str]
    epoch: int
    refused_epoch: int | None
    refused_code: str | None
