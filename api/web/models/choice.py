"""What a person may decide about a model now: as the rule of promotions says, in words for a page."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from core.db.repositories import judgements, promotions
from core.domain.gate import Outcome
from core.domain.promotion import GATED, GateFinding, NotLetThrough, PromotionKind, kind_of_promotion


@dataclass(frozen=True, slots=True)
class Choice:
    """Where a model stands.

    Attributes:
        epoch: the ledger's newest, upon which is decided; 0 before the first.
        kind: ``served``, or how the ledger would call its promotion.
        why_not: for ``manual``: ``refuse``, ``none`` (never judged) or ``stale`` (beside another champion).
        may_promote: somebody who may decide can serve it.
        asked: the epoch beside which a person was asked in the grey zone; None where nobody was.
    """

    epoch: int
    kind: str
    why_not: str | None
    may_promote: bool
    asked: int | None


def choice(session: Session, version: str, name: str) -> Choice:
    """What may be decided about the package ``version`` of the model ``name``."""
    now = promotions.current(session)
    epoch, serving = (now.epoch, now.models) if now else (promotions.NO_EPOCH, {})
    if version in serving.values():
        return Choice(epoch, "served", None, False, None)
    judged = judgements.newest_of(session, [version]).get(version)
    finding = GateFinding(Outcome(judged.said.decision), judged.said.champion) if judged else None
    asked = judged.said.epoch if judged and finding and finding.decision is Outcome.GREY else None
    champion = serving.get(name)
    try:
        kind = kind_of_promotion(model=name, finding=finding, champion=champion, override=False)
    except NotLetThrough:
        return Choice(epoch, PromotionKind.MANUAL, _why_not(finding, champion), True, asked)
    return Choice(epoch, kind, None, kind is not PromotionKind.COMPANION or GATED in serving, asked)


def _why_not(finding: GateFinding | None, champion: str | None) -> str:
    if finding is None:
        return "none"
    return "stale" if finding.champion != champion else "refuse"
