"""What the health routes give."""

from typing import Literal

from pydantic import BaseModel


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """Everything a request needs is there.

    ``reports`` says how others fare, which no request waits for: the orchestrator's ``scheduler``. ``epoch`` is what is
    served. ``refused_epoch`` and ``refused_code`` name a newer release that failed its verification; the one before
    keeps answering.
    """

    status: Literal["ready"] = "ready"
    checks: dict[str, str]
    reports: dict[str, str]
    epoch: int
    refused_epoch: int | None
    refused_code: str | None
