"""May a person promote this package? A pure rule over what the gate said of it, and of what it was compared with."""

from dataclasses import dataclass
from enum import StrEnum

from core.domain.gate import Outcome
from core.errors import Conflict

GATED = "fusion"
"""The model that answers by default; the gate decides about it and no other."""


class PromotionKind(StrEnum):
    """How the ledger calls a person's promotion."""

    FIRST = "first"  # the gate let it through: there was no champion
    GATE = "gate"  # the gate let it through
    APPROVED = "approved"  # the gate left it to a person, who decided
    MANUAL = "manual"  # a person decided against the gate, or without it
    COMPANION = "companion"  # not gated: it stands beside the champion


_BY_DECISION = {
    Outcome.FIRST: PromotionKind.FIRST,
    Outcome.PROMOTE: PromotionKind.GATE,
    Outcome.GREY: PromotionKind.APPROVED,
}


class NotLetThrough(Conflict):
    """The gate did not let the package through; a person who knows better says so with ``override``."""

    code = "release.not_let_through"


@dataclass(frozen=True, slots=True)
class GateFinding:
    """What the gate said of a package, and which package of that name was the champion then (None: there was none)."""

    decision: Outcome
    champion: str | None


def kind_of_promotion(
    *, model: str, finding: GateFinding | None, champion: str | None, override: bool
) -> PromotionKind:
    """How a person's promotion goes into the ledger.

    Args:
        model: the name under which the package is to be served.
        finding: the newest about the package; None where the gate was never asked.
        champion: what is served under that name now. A comparison with another one is out of date.
        override: the person wants it all the same.

    Raises:
        NotLetThrough: the gate's finding does not carry the promotion, and the person did not override it.
    """
    if model != GATED:
        return PromotionKind.COMPANION
    if finding is not None and finding.champion == champion and finding.decision in _BY_DECISION:
        return _BY_DECISION[finding.decision]
    if override:
        return PromotionKind.MANUAL
    raise NotLetThrough(f"{_why_not(finding, champion)} Promote it with override and a reason if you know better.")


def _why_not(finding: GateFinding | None, champion: str | None) -> str:
    if finding is None:
        return "The gate was never asked about this package."
    if finding.champion != champion:
        return f"The gate said {finding.decision} of this package beside another champion than today's."
    return f"The gate said {finding.decision} of this package."
