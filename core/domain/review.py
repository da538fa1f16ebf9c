"""The states of a staged prediction and the moves between them; when an accepted label needs a second opinion."""

from collections.abc import Sequence
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


def contradicts(accepted: int, *, suggested: int, confidence: float, very_confident: float) -> bool:
    """Whether a person's code goes against a suggestion that the model was very sure of: one of the two is wrong.

    Args:
        accepted: the code that the person gave.
        suggested: the model's.
        confidence: the model's calibrated confidence in its suggestion, in [0, 1].
        very_confident: from which confidence on somebody else is to look as well, in [0, 1].
    """
    return accepted != suggested and confidence >= very_confident


def fit_of(code: int, best: Sequence[tuple[int, float]]) -> float:
    """How well a code fits a product: the model's probability of it, in [0, 1].

    Args:
        code: the code that somebody gave.
        best: the model's best codes with their probabilities. For a code that is not among them the answer is what
            they leave for all the others together: it is at most that.
    """
    probabilities = dict(best)
    return probabilities.get(code, max(0.0, 1.0 - sum(probabilities.values())))
