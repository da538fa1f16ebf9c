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
    """One permitted change: from any of ``allowed`` to ``target`` (None: the status stays), leaving ``work`` behind."""

    name: str
    allowed: frozenset[Status]
    target: Status | None
    work: tuple[OutboxKind, ...] = ()


VALIDATE = Move("validate", frozenset({Status.PENDING}), Status.VALIDATED, (OutboxKind.APPEND,))
REJECT = Move("reject", frozenset({Status.PENDING}), Status.REJECTED, (OutboxKind.ARCHIVE,))
MODIFY = Move("modify", frozenset({Status.PENDING}), Status.PENDING)
UNDO = Move("undo", frozenset({Status.VALIDATED, Status.REJECTED}), Status.PENDING)
"""Only while the loop has not claimed the verdict's work, which is withdrawn in the same transaction."""
REOPEN = Move("reopen", frozenset({Status.RETRACTED}), Status.PENDING)
"""A retracted product goes back to the queue; the row that was retracted stays so, a new verdict appends another."""
CORRECT = Move("correct", frozenset({Status.INGESTED}), None, (OutboxKind.RETRACT, OutboxKind.APPEND))
"""Another code for a training row: the old row goes and the new one comes in one manifest."""
RETRACT = Move("retract", frozenset({Status.VALIDATED, Status.INGESTED}), Status.RETRACTED, (OutboxKind.RETRACT,))
ERASE = Move("erase", frozenset({Status.PENDING, Status.REJECTED, Status.RETRACTED}), Status.RETRACTED)
"""At its owner's wish, for a product of which the store holds a row or a tombstone; others are deleted outright."""
ERASE_ARCHIVED = Move("erase", frozenset({Status.ARCHIVED}), None)
INGEST = Move("ingest", frozenset({Status.VALIDATED}), Status.INGESTED)
ARCHIVE = Move("archive", frozenset({Status.REJECTED}), Status.ARCHIVED)
