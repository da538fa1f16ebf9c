"""What the demonstration's reviewer will do, decided before the first product arrives."""

import random
from dataclasses import dataclass
from enum import StrEnum

REJECTED_SHARE = 0.04


class Action(StrEnum):
    """One way to answer a suggestion."""

    VALIDATE = "validate"  # it was right
    MODIFY = "modify"  # it was wrong: correct the code, then validate
    VALIDATE_WITH_CODE = "validate with code"  # it was wrong: both at once
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class VerdictPlan:
    """Which of ``products`` (numbered from 0) are rejected; the others will be validated."""

    products: int
    rejected: frozenset[int]

    @classmethod
    def draw(cls, products: int, seed: int) -> "VerdictPlan":
        """Reject a seeded 4 % of ``products``."""
        rejected = random.Random(seed).sample(range(products), round(REJECTED_SHARE * products))  # noqa: S311
        return cls(products, frozenset(rejected))

    @property
    def validated(self) -> int:
        """How many rows the loop will be given."""
        return self.products - len(self.rejected)

    def action(self, product: int, suggested: int, true: int) -> Action:
        """What to do with product number ``product`` for which the model said ``suggested``."""
        if product in self.rejected:
            return Action.REJECT
        if suggested == true:
            return Action.VALIDATE
        return Action.MODIFY if product % 2 else Action.VALIDATE_WITH_CODE
