"""Which part of the data a product belongs to, decided once, at intake, by its cluster.

A cluster is a set of products that are copies of one another. Deciding by cluster keeps copies out of
both sides of an evaluation; deciding by hash keeps the decision the same whoever makes it, and when.
"""

import hashlib
from collections.abc import Collection
from enum import StrEnum


class Split(StrEnum):
    """Part of the data a training row belongs to."""

    TRAIN = "train"
    VALIDATION = "validation"
    HOLDOUT = "holdout"
    FRESH = "fresh"
    NONE = "none"


LEARNT = frozenset({Split.TRAIN, Split.VALIDATION})
"""What a training may look at."""
MEASURED = frozenset({Split.HOLDOUT, Split.FRESH})
"""What a model is judged on. Copies never stand on both sides."""

HOLDOUT_SHARE = 0.20
VALIDATION_SHARE = 0.10
FRESH_SHARE = 0.10


def unit_interval(*parts: str) -> float:
    """A number in [0, 1) that depends only on ``parts``."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def split_of_base(cluster: str) -> Split:
    """The split of an imported product: 20 % hold-out, 10 % validation, the rest train."""
    draw = unit_interval("base", cluster)
    if draw < HOLDOUT_SHARE:
        return Split.HOLDOUT
    return Split.VALIDATION if draw < HOLDOUT_SHARE + VALIDATION_SHARE else Split.TRAIN


def split_of_validated(cluster: str, joined: Collection[Split]) -> Split:
    """The split of a validated product whose cluster already has members in ``joined`` (empty: a new cluster).

    A copy of a hold-out product goes to ``fresh`` so that the frozen hold-out never grows; one that would
    join a training and a hold-out cluster is kept out of both. A new cluster goes to ``fresh`` one time in ten.
    """
    known = set(joined)
    measured, learnt = known & MEASURED, known & LEARNT
    if Split.NONE in known or (measured and learnt):
        return Split.NONE
    if measured:
        return Split.FRESH
    if learnt:
        return Split.VALIDATION if learnt == {Split.VALIDATION} else Split.TRAIN
    return Split.FRESH if unit_interval("validated", cluster) < FRESH_SHARE else Split.TRAIN
