"""What the database names, as the rules want it."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from core.db.repositories import judgements, predictions, promotions
from core.domain.gate import Outcome
from core.domain.promotion import GATED
from core.retention.rules import Epoch, Kept, kept_epochs, name_releases

_MAY_BE_PROMOTED = {Outcome.FIRST, Outcome.PROMOTE, Outcome.GREY}


def ledger(session: Session) -> list[Epoch]:
    """The whole ledger, oldest first."""
    return [Epoch(step.epoch, step.models, _seconds(step.at)) for step in promotions.steps(session)]


def named(session: Session, packages: Collection[str], *, epochs: int, days: int) -> dict[str, Kept]:
    """Which packages are named, by what: kept epochs of the ledger, and judgements that may still lead to one.

    Args:
        session: reads.
        packages: the shas that exist.
        epochs: how many of the newest stay.
        days: epochs that served later than so long ago stay, too, by the database's clock.
    """
    now = _seconds(predictions.now(session))
    epochs_there = ledger(session)
    kept = kept_epochs(epochs_there, count=epochs, since=now - days * 86400)
    return {**_waiting(session, packages, epochs_there), **name_releases(epochs_there, kept)}


def _waiting(session: Session, packages: Collection[str], epochs: Sequence[Epoch]) -> dict[str, Kept]:
    """Challengers of today's champion that nobody has decided about yet; a new champion makes the finding void."""
    champion = epochs[-1].models.get(GATED) if epochs else None
    found: dict[str, Kept] = {}
    for sha, judged in judgements.newest_of(session, packages).items():
        if judged.said.decision in _MAY_BE_PROMOTED and judged.said.champion == champion:
            found[sha] = Kept(f"judged ({judged.said.decision}) beside today's champion: it may be promoted", True)
    return found


def _seconds(moment: datetime) -> float:
    return moment.replace(tzinfo=UTC).timestamp()
