"""The states of a staged prediction and the moves between them."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """Where a prediction stands."""

    PENDING = "pending"
    VALIDATED = "validated"
    REJECTED = "rejected"
    INGESTED = "ingested"
    ARCHIVED = "archived"
    RETRACTED = "retracted"


class OutboxKind(StrEnum):
    """Work a verdict leaves for the loop."""

    APPEND = "append"
    RETRACT = "retract"
    ARCHIVE = "archive"


@dataclass(frozen=True, slots=True)
class Move:
    """One permitted change: from any of ``allowed`` to ``target``, leaving ``outbox`` work behind (or none)."""

    name: str
    allowed: frozenset[Status]
    target: Status
    outbox: OutboxKind | None


VALIDATE = Move("validate", frozenset({Status.PENDING}), Status.VALIDATED, OutboxKind.APPEND)
REJECT = Move("reject", frozenset({Status.PENDING}), Status.REJECTED, OutboxKind.ARCHIVE)
MODIFY = Move("modify", frozenset({Status.PENDING}), Status.PENDING, None)
INGEST = Move("ingest", frozenset({Status.VALIDATED}), Status.INGESTED, None)
ARCHIVE = Move("archive", frozenset({Status.REJECTED}), Status.ARCHIVED, None)
