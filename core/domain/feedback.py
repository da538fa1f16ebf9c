"""What the sender of a product says of its answer. It is a hint for the reviewers: it decides nothing."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from core.domain.review import Status


class Feedback(StrEnum):
    """The sender's word: the answer is right, another code fits, or the answer (or its outcome) is wrong."""

    CONFIRMED = "confirmed"
    PROPOSED = "proposed"
    DISPUTED = "disputed"


_DISPUTABLE = frozenset(set(Status) - {Status.RETRACTED})  # of what was taken back there is nothing to say

FITTING: Mapping[Feedback, frozenset[Status]] = MappingProxyType(
    {
        Feedback.CONFIRMED: frozenset({Status.PENDING, Status.VALIDATED, Status.INGESTED}),
        Feedback.PROPOSED: frozenset({Status.PENDING}),
        Feedback.DISPUTED: _DISPUTABLE,
    }
)
"""Where a product may stand for each word: a proposal is for whoever decides, so it comes before the decision."""
