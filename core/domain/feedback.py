"""What the sender of a product says of its answer. It is a hint for the reviewers: it decides nothing."""

from enum import StrEnum


class Feedback(StrEnum):
    """The sender's word: the answer is right, another code fits, or the answer (or its outcome) is wrong."""

    CONFIRMED = "confirmed"
    PROPOSED = "proposed"
    DISPUTED = "disputed"
