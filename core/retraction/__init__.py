"""Taking labels back: one product's, all of a person's in a time span, or a customer's own data.

Every way ends in the same guarded move, so a row in the training store always has a tombstone coming, and a
row on its way there never arrives without one.
"""

from core.retraction.erasure import BeingArchived, ChangedMeanwhile, erase, erase_customer, erase_portion
from core.retraction.labels import Taken, retract
from core.retraction.models import TaintedModel
from core.retraction.reviewer import TakenBack, UnknownPerson, take_back

__all__ = [
    "BeingArchived",
    "ChangedMeanwhile",
    "TaintedModel",
    "Taken",
    "TakenBack",
    "UnknownPerson",
    "erase",
    "erase_customer",
    "erase_portion",
    "retract",
    "take_back",
]
